import { type Commands, must, only, without } from "./sides.ts";

/** The gateway itself: its health, its state, its record, its suspension. */
export const gatewayCommands: Commands = [
  ["gateway call health", async (cli) => only(await cli.json("gateway", "call", "health"), "ok")],
  ["gateway health", async (cli) => must(/OK \(\d+ms\)/.test(await cli.text("gateway", "health")), "no OK")],
  [
    "health",
    async (cli) => {
      const text = await cli.text("health");
      for (const words of ["Gateway event loop: ", "Agents: main (default)", "Session store (main): "])
        must(text.includes(words), text);
    },
  ],
  ["health --json", async (cli) => only(await cli.json("health"), "ok", "defaultAgentId", "channelOrder", "channels")],
  ["status", async (cli) => must(/reachable \d+ms/.test(await cli.text("status")), "not reachable")],
  [
    "status --json",
    async (cli) => {
      const { gateway, channelSummary, sessions } = await cli.json("status");
      const agents = sessions.byAgent.map(({ agentId, count }: Counted) => ({ agentId, count }));
      return { ...only(gateway, "mode", "reachable", "misconfigured", "error"), channelSummary, agents };
    },
  ],
  ["status --deep", async (cli) => must((await cli.text("status", "--deep")).includes("Health"), "no health")],
  [
    "status --all",
    async (cli) => {
      const text = await cli.text("status", "--all");
      for (const words of ["OpenClaw status --all", "Gateway", "reachable"]) must(text.includes(words), text);
    },
  ],
  ["gateway status", async (cli) => only((await cli.json("gateway", "status")).rpc, "ok", "kind", "capability")],
  [
    "gateway status --require-rpc",
    async (cli) => only((await cli.json("gateway", "status", "--require-rpc")).rpc, "ok", "kind", "capability"),
  ],
  [
    "gateway probe",
    async (cli) => {
      const { ok, degraded, capability, targets } = await cli.json("gateway", "probe");
      must(ok, "no answer");
      return {
        ok,
        degraded,
        capability,
        connect: targets.map((target: Target) => only(target.connect, "ok", "rpcOk")),
      };
    },
  ],
  [
    "gateway stability",
    async (cli) => {
      const report = await cli.json("gateway", "stability", "--limit", "2");
      must(report.events.length === 2 && report.count >= 2 && report.capacity === 1000, report);
      must(report.summary.byType["diagnostic.phase.completed"] > 0, report.summary);
      return Object.keys(report).sort();
    },
  ],
  [
    "gateway stability (text)",
    async (cli) => must((await cli.text("gateway", "stability")).includes("diagnostic.phase.completed"), "no events"),
  ],
  [
    "gateway usage-cost",
    async (cli) => without(await cli.json("gateway", "usage-cost", "--days", "3"), "updatedAt", "cacheStatus"),
  ],
  [
    "gateway suspend, refused work, gateway resume",
    async (cli) => {
      const lease = await cli.json("gateway", "suspend");
      must(lease.status === "ready", lease);
      const refusal = await cli.refusal("gateway", "call", "sessions.list");
      const resumed = await cli.json("gateway", "resume", lease.suspensionId);
      const again = await cli.json("gateway", "resume", lease.suspensionId);
      return [without(lease, "requestId"), refusal, resumed, again];
    },
  ],
  ["gateway call gateway.restart.preflight", async (cli) => cli.json("gateway", "call", "gateway.restart.preflight")],
  [
    "gateway diagnostics export",
    async (cli) => {
      const { path, bytes, manifest } = await cli.json("gateway", "diagnostics", "export");
      must(bytes > 1000 && path.endsWith(".zip"), path);
      return manifest.contents.map((part: { path: string }) => part.path);
    },
  ],
  ["logs", async (cli) => must((await cli.text("logs", "--limit", "5", "--json")).startsWith("{"), "no lines")],
  [
    "system presence",
    async (cli) => {
      const [self] = await cli.json("system", "presence");
      return only(self, "reason", "mode", "version");
    },
  ],
  [
    "a wrong token is refused",
    async (cli) => {
      const { code, out } = await cli.run("gateway", "call", "status", "--token", "wrong", "--json");
      must(code === 1, out);
      return without(JSON.parse(out).error, "gateway");
    },
  ],
  [
    "an unknown method is named",
    async (cli) => {
      const { code, err } = await cli.run("gateway", "call", "no.such.method");
      must(code === 1 && err.includes("unknown method: no.such.method"), err);
    },
  ],
  [
    "wrong parameters are explained",
    async (cli) => cli.refusal("gateway", "call", "sessions.patch", "--params", JSON.stringify({ key: 7, nope: 1 })),
  ],
  [
    "doctor --non-interactive",
    async (cli) => must((await cli.text("doctor", "--non-interactive")).includes("OpenClaw doctor"), "no doctor"),
  ],
  [
    "security audit --deep",
    async (cli) => {
      const { summary, findings, deep } = await cli.json("security", "audit", "--deep");
      const ids = findings.map(({ checkId, severity }: Finding) => `${severity} ${checkId}`).sort();
      return { summary, ids, gateway: only(deep.gateway, "attempted", "ok", "error") };
    },
  ],
  ["dashboard", async (cli) => without(await cli.json("dashboard"), "browserUrl")],
  [
    "update status",
    async (cli) => must((await cli.run("update", "status", "--json")).code === 0, "update status fails"),
  ],
];

interface Counted {
  agentId: string;
  count: number;
}

interface Target {
  connect: { ok: boolean; rpcOk: boolean };
}

interface Finding {
  checkId: string;
  severity: string;
}
