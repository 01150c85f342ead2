import { callGateway } from "./call.ts";
import { EXIT, type Invocation } from "./command.ts";
import { CliFailure } from "./failure.ts";
import { writeJson } from "./io.ts";
import { chooseTarget } from "./target.ts";

/** Says in a line whether the gateway answers and how long it took to look. */
export async function run(invocation: Invocation): Promise<number> {
  const { options, io, env } = invocation;
  const timeoutMs = options.integer("timeout", { min: 1 })!;
  const target = await chooseTarget(options, env);
  if (options.flag("live")) return askLiveness(invocation, target.url, timeoutMs);
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

/** Asks `/healthz`, which answers as soon as the gateway serves at all. */
async function askLiveness({ io, options }: Invocation, url: string, timeoutMs: number): Promise<number> {
  const probe = `${url.replace(/^ws/, "http")}/healthz`;
  let answer: unknown;
  try {
    const response = await fetch(probe, { signal: AbortSignal.timeout(timeoutMs), redirect: "error" });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    answer = await response.json();
  } catch (error) {
    throw new CliFailure(`The gateway is not alive at ${probe}: ${(error as Error).message}`);
  }
  if (options.flag("json")) writeJson(io, answer);
  else io.out("live");
  return EXIT.ok;
}
