import type { SessionsListResult } from "../../generated/types.ts";
import { callGateway } from "./call.ts";
import { EXIT, type Invocation } from "./command.ts";
import { CliFailure } from "./failure.ts";
import { writeJson } from "./io.ts";
import { chooseTarget } from "./target.ts";
import { ago, printable, table } from "./text.ts";

/** More than any gateway keeps: stands for `--limit all`. */
const ALL = 1_000_000;

/** Lists sessions of the running gateway, newest first (docs: cli/sessions). */
export async function run({ options, io, env }: Invocation): Promise<number> {
  const activeMinutes = options.integer("active", { min: 1 });
  const limit = options.text("limit") === "all" ? ALL : options.integer("limit", { min: 1 })!;
  const agentId = options.text("agent");
  if (agentId !== undefined && options.flag("all-agents")) throw new CliFailure("Use either --agent or --all-agents.");
  const target = await chooseTarget(options, env);
  const params = { limit, includeGlobal: true, includeUnknown: true, activeMinutes, agentId };
  const list = (await callGateway(target, "sessions.list", params, { timeoutMs: 10_000 })) as SessionsListResult;
  if (options.flag("json")) {
    const { path, count, totalCount, limitApplied, hasMore, sessions, ts } = list;
    const rows = sessions.map((row) => ({
      ...row,
      ageMs: row.updatedAt == null ? null : Math.max(0, ts - row.updatedAt),
    }));
    writeJson(io, {
      path,
      count,
      totalCount,
      limitApplied,
      hasMore,
      activeMinutes: activeMinutes ?? null,
      sessions: rows,
    });
    return EXIT.ok;
  }
  io.err(`Session store: ${printable(list.path)}`);
  io.err(`Sessions listed: ${list.count}${list.hasMore ? ` of ${list.totalCount}` : ""}`);
  if (list.sessions.length === 0) io.err("No sessions found.");
  else
    for (const line of table(
      ["Kind", "Key", "Age", "Model", "Tokens"],
      list.sessions.map((row) => cells(row, list.ts)),
    ))
      io.out(line);
  return EXIT.ok;
}

function cells(row: SessionsListResult["sessions"][number], ts: number): string[] {
  const { kind, key, updatedAt, model, totalTokens, contextTokens } = row as unknown as Record<string, string & number>;
  const share = totalTokens && contextTokens ? ` (${Math.round((100 * totalTokens) / contextTokens)}%)` : "";
  const tokens = totalTokens === undefined ? "-" : `${totalTokens}${contextTokens ? `/${contextTokens}` : ""}${share}`;
  return [kind ?? "-", key, updatedAt ? ago(ts - updatedAt) : "-", model ?? "-", tokens].map((cell) =>
    printable(String(cell)),
  );
}
