import { callGateway } from "./call.ts";
import { EXIT, type Invocation } from "./command.ts";
import { writeJson } from "./io.ts";
import { chooseTarget } from "./target.ts";

/** Says in a line whether the gateway answers and how long it took to look. */
export async function run({ options, io, env }: Invocation): Promise<number> {
  const timeoutMs = options.integer("timeout", { min: 1 })!;
  const target = await chooseTarget(options, env);
  const started = performance.now();
  const payload = await callGateway(target, "health", {}, { timeoutMs });
  if (options.flag("json")) {
    writeJson(io, payload);
    return EXIT.ok;
  }
  const { durationMs } = payload as { durationMs?: number };
  io.out("Gateway Health");
  io.out(`OK (${durationMs ?? Math.round(performance.now() - started)}ms)`);
  return EXIT.ok;
}
