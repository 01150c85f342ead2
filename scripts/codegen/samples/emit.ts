import type { Output } from "../emit.ts";
import { plainSchema } from "../schema.ts";
import type { SpecModel } from "../spec.ts";
import { faultsOf } from "./faults.ts";
import { validSamples } from "./valid.ts";

const FRAMES = ["RequestFrame", "ResponseFrame", "EventFrame"];

/** `samples.json`: valid and deliberately invalid values of every type that goes over the wire, a line per type. */
export function emitSamples(spec: SpecModel): Output[] {
  const methods = spec.methods.map(
    ({ name, params, result, accepted }) => [name, { params, result, accepted }] as const,
  );
  const events = spec.events.map(({ name, payload }) => [name, payload] as const);
  const sent = new Set([
    ...FRAMES,
    ...methods.flatMap(([, { params, result, accepted }]) => [params, result, accepted ?? params]),
    ...events.map(([, payload]) => payload),
  ]);
  const types = [...sent].sort().map((name) => {
    const schema = plainSchema(name, spec.definitions);
    const valid = validSamples(name, schema);
    return [name, { valid, invalid: faultsOf(schema, valid[0]) }] as const;
  });
  const table = (rows: readonly (readonly [string, unknown])[]) =>
    rows.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",\n");
  const text = `{"methods":{\n${table(methods)}\n},\n"events":{\n${table(events)}\n},\n"types":{\n${table(types)}\n}}\n`;
  return [{ path: "samples.json", text }];
}
