import { callGateway } from "./call.ts";
import { EXIT, type Invocation } from "./command.ts";
import { CliFailure } from "./failure.ts";
import { writeJson } from "./io.ts";
import { chooseTarget } from "./target.ts";

/** Calls any method and prints its answer as it came. */
export async function run({ args, options, io, env }: Invocation): Promise<number> {
  const [method] = args as [string];
  const params = parseParams(options.text("params")!);
  const timeoutMs = options.integer("timeout", { min: 1 })!;
  const target = await chooseTarget(options, env);
  const payload = await callGateway(target, method, params, { timeoutMs, expectFinal: options.flag("expect-final") });
  if (!options.flag("json")) io.out(`Gateway call: ${method}`);
  writeJson(io, payload ?? null);
  return EXIT.ok;
}

function parseParams(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CliFailure("--params must be valid JSON.", { hints: [`For instance: --params '{"limit":5}'`] });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new CliFailure("--params must be a JSON object.");
}
