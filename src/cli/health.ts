import type { HealthResult } from "../../generated/types.ts";
import { callGateway } from "./call.ts";
import { EXIT, type Invocation } from "./command.ts";
import { type Io, writeJson } from "./io.ts";
import { chooseTarget } from "./target.ts";
import { ago, every, printable } from "./text.ts";

/** Shows the health snapshot (docs: cli/health). */
export async function run({ options, io, env }: Invocation): Promise<number> {
  const verbose = options.flag("verbose") || options.flag("debug");
  const timeoutMs = options.integer("timeout", { min: 1 })!;
  const target = await chooseTarget(options, env);
  const params = verbose ? { probe: true } : {};
  const health = (await callGateway(target, "health", params, { timeoutMs, as: "backend" })) as Partial<HealthResult>;
  if (options.flag("json")) writeJson(io, health);
  else {
    if (verbose) io.out(`Gateway target: ${target.url} (${target.source})`);
    printHealth(io, health);
  }
  return EXIT.ok;
}

/** Prints what the snapshot has; a gateway that says less is shown as far as it goes. */
export function printHealth(
  io: Io,
  { eventLoop, durationMs, agents = [], deliveryQueues, ts = Date.now() }: Partial<HealthResult>,
): void {
  if (eventLoop) {
    const { degraded, reasons, delayMaxMs, delayP99Ms, utilization, cpuCoreRatio } = eventLoop;
    const state = degraded ? `degraded (${reasons.join(", ")})` : "ok";
    const delays = `max=${Math.round(delayMaxMs ?? 0)}ms p99=${Math.round(delayP99Ms ?? 0)}ms`;
    io.out(`Gateway event loop: ${state} ${delays} util=${utilization} cpu=${cpuCoreRatio}`);
  }
  for (const { queueName, count, oldestFailedAt } of deliveryQueues?.failed ?? []) {
    const since = oldestFailedAt === undefined ? "" : `, the oldest ${ago(ts - oldestFailedAt)}`;
    io.out(`Messages given up: ${count} (${printable(queueName)}${since})`);
  }
  if (durationMs !== undefined) io.out(`Gateway probe duration: ${durationMs}ms`);
  if (agents.length === 0) return;
  io.out(
    `Agents: ${agents.map(({ agentId, isDefault }) => printable(agentId) + (isDefault ? " (default)" : "")).join(", ")}`,
  );
  const beats = agents.map(({ agentId, heartbeat }) => {
    const interval = heartbeat?.enabled && heartbeat.everyMs ? every(heartbeat.everyMs) : "off";
    return `${interval} (${printable(agentId)})`;
  });
  io.out(`Heartbeat interval: ${beats.join(", ")}`);
  for (const { agentId, sessions } of agents) {
    if (!sessions) continue;
    io.out(`Session store (${printable(agentId)}): ${printable(sessions.path)} (${sessions.count} entries)`);
    for (const { key, updatedAt } of sessions.recent as { key: string; updatedAt: number | null }[]) {
      io.out(`- ${printable(key)}${updatedAt ? ` (${ago(ts - updatedAt)})` : ""}`);
    }
  }
}
