import type { DefenderDecisionsVerifyResult } from "../../generated/types.ts";
import { callGateway } from "./call.ts";
import { EXIT, type Invocation } from "./command.ts";
import { writeJson } from "./io.ts";
import { chooseTarget } from "./target.ts";

/** `defend records`: whether every decision that was written down is still there. Exit code 1 when one is not. */
export async function run({ options, io, env }: Invocation): Promise<number> {
  const target = await chooseTarget(options, env);
  const timeoutMs = options.integer("timeout", { min: 1 })!;
  const result = (await callGateway(
    target,
    "defender.decisions.verify",
    {},
    { timeoutMs },
  )) as DefenderDecisionsVerifyResult;
  if (options.flag("json")) writeJson(io, result);
  else
    for (const { chain, ok, rows, problem } of result.chains)
      io.out(`${chain.padEnd(6)} ${ok ? `whole, ${rows} decisions` : `broken: ${problem}`}`);
  return result.ok ? EXIT.ok : EXIT.failed;
}
