import { arch, platform, release } from "node:os";
import type { HealthResult, StatusResult } from "../../generated/types.ts";
import { withGateway } from "./call.ts";
import { EXIT, type Invocation } from "./command.ts";
import { GatewayCallFailure } from "./failure.ts";
import { printHealth } from "./health.ts";
import { type Io, writeJson } from "./io.ts";
import { chooseTarget, type Target } from "./target.ts";
import { ago, printable } from "./text.ts";

interface Found {
  status?: Partial<StatusResult>;
  health?: Partial<HealthResult>;
  lastHeartbeat?: unknown;
  connectLatencyMs: number | null;
  error: string | null;
}

/** Shows the gateway with its agents and sessions. One that does not answer is shown as such, exit code 0 (docs: cli/status). */
export async function run({ options, io, env }: Invocation): Promise<number> {
  const timeoutMs = options.integer("timeout", { min: 1 })!;
  const target = await chooseTarget(options, env, { fromEnvironment: false });
  const found = await look(target, timeoutMs, options.flag("deep") || options.flag("all"));
  if (options.flag("json")) writeJson(io, asJson(target, found));
  else print(io, target, found);
  return EXIT.ok;
}

async function look(target: Target, timeoutMs: number, deep: boolean): Promise<Found> {
  const started = performance.now();
  try {
    return await withGateway(target, { timeoutMs, scopes: ["operator.read"], as: "backend" }, async (connection) => {
      const connectLatencyMs = Math.round(performance.now() - started);
      const ask = (method: string, params: object): Promise<unknown> =>
        connection.request(method, params, { timeoutMs });
      const status = (await ask("status", { includeChannelSummary: false })) as Partial<StatusResult>;
      if (!deep) return { status, connectLatencyMs, error: null };
      const health = (await ask("health", { probe: true })) as Partial<HealthResult>;
      return { status, health, lastHeartbeat: await ask("last-heartbeat", {}), connectLatencyMs, error: null };
    });
  } catch (error) {
    if (error instanceof GatewayCallFailure) return { connectLatencyMs: null, error: error.message };
    throw error;
  }
}

const mode = (target: Target): "local" | "remote" => (target.isLocal ? "local" : "remote");

function asJson(target: Target, { status, health, lastHeartbeat, connectLatencyMs, error }: Found): object {
  const label = `${platform()} ${release()} (${arch()})`;
  return {
    ...status,
    os: { platform: platform(), arch: arch(), release: release(), label },
    gateway: {
      mode: mode(target),
      url: target.url,
      urlSource: target.source,
      misconfigured: false,
      reachable: error === null,
      connectLatencyMs,
      self: null,
      error,
    },
    ...(health && { health, lastHeartbeat }),
  };
}

function print(io: Io, target: Target, { status, health, connectLatencyMs, error }: Found): void {
  const state = error === null ? `reachable ${connectLatencyMs}ms` : `unreachable (${printable(error)})`;
  const rows: [string, string][] = [
    ["OS", `${platform()} ${release()} (${arch()})`],
    ["Gateway", `${mode(target)} · ${target.url} (${target.source}) · ${state}`],
  ];
  if (status) rows.push(...statusRows(status));
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  for (const [name, text] of rows) io.out(`${name.padEnd(width)}${text}`);
  const recent = (status?.sessions?.recent ?? []) as { key: string; age?: number | null }[];
  if (recent.length > 0) io.out("\nRecent sessions");
  for (const { key, age } of recent) io.out(`- ${printable(key)}${age == null ? "" : ` (${ago(age)})`}`);
  if (!health) return;
  io.out("\nHealth");
  printHealth(io, health);
}

function statusRows({
  runtimeVersion,
  pid,
  processMemory,
  heartbeat,
  sessions,
  tasks,
}: Partial<StatusResult>): [string, string][] {
  const megabytes = processMemory ? ` · ${Math.round(processMemory.rssBytes / 1e6)} MB` : "";
  const agents = heartbeat?.agents ?? [];
  const beats = agents.map(({ agentId, enabled, every }) => `${enabled ? every : "off"} (${printable(agentId)})`);
  const model = sessions?.defaults?.model;
  return [
    ["Version", `${printable(runtimeVersion ?? "unknown")}${pid ? ` · pid ${pid}` : ""}${megabytes}`],
    ["Agents", `${agents.length} · default ${printable(heartbeat?.defaultAgentId ?? "main")}`],
    ["Heartbeat", beats.join(", ") || "none"],
    ["Tasks", tasks && tasks.active > 0 ? `${tasks.active} active` : "none"],
    ["Sessions", `${sessions?.count ?? 0} stored · ${model ? `default ${printable(model)}` : "no model configured"}`],
  ];
}
