import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { configPaths } from "../config/paths.ts";
import { type DecisionRecord, decisionIn } from "../defender/decision-repository.ts";
import { sidecarDatabases } from "../sidecar/places.ts";
import { callGateway } from "./call.ts";
import { EXIT, type Invocation } from "./command.ts";
import { findingLine, verdictWords } from "./defend-words.ts";
import { CliFailure } from "./failure.ts";
import { type Io, writeJson } from "./io.ts";
import { chooseTarget, type Target } from "./target.ts";
import { printable } from "./text.ts";

/**
 * Tells why something was reviewed or refused: from the records in this machine's state directory, or of the gateway
 * that an option names.
 */
export async function run({ args, options, io, env }: Invocation): Promise<number> {
  const id = args[0]!;
  const isElsewhere = options.given("url") || options.given("port");
  const record = isElsewhere ? await ask(await chooseTarget(options, env), id) : find(configPaths(env).stateDir, id);
  if (options.flag("json")) writeJson(io, record);
  else print(io, record);
  return EXIT.ok;
}

async function ask(target: Target, id: string): Promise<DecisionRecord> {
  const answer = await callGateway(target, "defender.decisions.get", { id }, { timeoutMs: 10_000 });
  return (answer as { decision: DecisionRecord }).decision;
}

/** The gateway's records, then those of sidecars. Who writes to them meanwhile is not disturbed. */
function find(stateDir: string, id: string): DecisionRecord {
  const own = join(stateDir, "chela.sqlite");
  const paths = [...(existsSync(own) ? [own] : []), ...sidecarDatabases(stateDir)];
  if (paths.length === 0) throw new CliFailure(`There is no database at ${own}.`);
  for (const path of paths) {
    using db = new Database(path, { readonly: true, strict: true });
    const record = decisionIn(db, id);
    if (record !== null) return record;
  }
  throw new CliFailure(`No decision ${id} is kept; the oldest are dropped first.`);
}

function print(io: Io, record: DecisionRecord): void {
  const { id, at, verdict, enforced, score, findings, direction, origin, actor, sessionKey, runId, excerpt } = record;
  io.out(`${verdictWords(verdict, score)}${enforced ? "" : ", only written down: the policy watches"}`);
  const rows: [string, string | undefined][] = [
    ["Id", id],
    ["When", new Date(at).toISOString()],
    ["What", `${direction}, from ${origin}`],
    ["Who", actor],
    ["Session", sessionKey],
    ["Run", runId],
  ];
  for (const [name, value] of rows) if (value !== undefined) io.out(`${name.padEnd(9)}${printable(value)}`);
  io.out("\nFindings, the first decided");
  for (const finding of findings) io.out(findingLine(finding));
  io.out("\nExcerpt");
  io.out(printable(excerpt));
}
