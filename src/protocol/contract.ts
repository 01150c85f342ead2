import { EVENTS } from "../../generated/events.ts";
import { methodSpec } from "../../generated/methods.ts";
import { ALL_SCHEMAS } from "../../generated/schemas-rest.ts";
import { VALIDATORS } from "../../generated/validators.ts";
import { VALIDATORS as REST } from "../../generated/validators-rest.ts";
import { describeSchemaIssues } from "./error-text.ts";

/**
 * Checks of what the gateway sends, for tests: it loads the validators of the whole protocol, which the executable does
 * not carry. Each function returns null when all is well, else what is wrong in words.
 */

/** Checks a value against any type of the protocol. */
export function typeProblem(typeName: string, value: unknown): string | null {
  const validator = VALIDATORS[typeName] ?? REST[typeName];
  if (!validator) throw new RangeError(`no type ${typeName}`);
  if (validator()(value)) return null;
  const schema = ALL_SCHEMAS[typeName];
  return `${typeName}: ${schema ? describeSchemaIssues(schema, value) : "does not match"}`;
}

/** Checks the answer of an implemented method; `accepted` is the first answer of a two-phase one. */
export function resultProblem(
  method: string,
  payload: unknown,
  phase: "accepted" | "result" = "result",
): string | null {
  const spec = methodSpec(method);
  if (!spec) return `${method} is not an implemented method`;
  const type = phase === "accepted" ? spec.accepted : spec.result;
  if (type === null) return `${method} has no first answer`;
  const problem = typeProblem(type, payload);
  return problem && `answer of ${method}: ${problem}`;
}

/** Checks the payload of an event, and that the event is one we claim to send. */
export function eventProblem(event: string, payload: unknown): string | null {
  if (!Object.hasOwn(EVENTS, event)) return `unknown event ${event}`;
  const spec = EVENTS[event as keyof typeof EVENTS];
  if (spec.status !== "implemented") return `event ${event} is sent, but its spec says planned`;
  const problem = typeProblem(spec.payload, payload);
  return problem && `event ${event}: ${problem}`;
}
