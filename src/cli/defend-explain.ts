import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { configPaths } from "../config/paths.ts";
import { type DecisionRecord, decisionIn } from "../defender/decision-repository.ts";
import { EXIT, type Invocation } from "./command.ts";
import { CliFailure } from "./failure.ts";
import { type Io, writeJson } from "./io.ts";
import { printable } from "./text.ts";

/** Tells why something was reviewed or refused, from the records in this machine's state directory. */
export async function run({ args, options, io, env }: Invocation): Promise<number> {
  const id = args[0]!;
  const record = find(join(configPaths(env).stateDir, "chela.sqlite"), id);
  if (options.flag("json")) writeJson(io, record);
  else print(io, record);
  return EXIT.ok;
}

/** A running gateway writes to the same file; a reader does not disturb it. */
function find(path: string, id: string): DecisionRecord {
  if (!existsSync(path)) throw new CliFailure(`There is no database at ${path}.`);
  using db = new Database(path, { readonly: true, strict: true });
  const record = decisionIn(db, id);
  if (record === null) throw new CliFailure(`No decision ${id} is kept; the oldest are dropped first.`);
  return record;
}

function print(io: Io, record: DecisionRecord): void {
  const { id, at, verdict, enforced, score, findings, direction, origin, actor, sessionKey, runId, excerpt } = record;
  io.out(`${verdict} (${score} of 100)${enforced ? "" : ", only written down: the policy watches"}`);
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
  for (const { id, score, reason } of findings) io.out(`${String(score).padStart(3)}  ${id}: ${printable(reason)}`);
  io.out("\nExcerpt");
  io.out(printable(excerpt));
}
