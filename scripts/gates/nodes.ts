import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { TestClient } from "../../src/gateway/testing.ts";
import { freePort } from "../../src/parity/gateway-process.ts";
import { GatewayProcess } from "../exercise/gateway-process.ts";
import type { Gate, GateContext } from "../gate/run.ts";

const USAGE = `arguments of the gate:
  --upstream DIR   a folder where \`npm install openclaw\` was run
  --binary PATH    the executable, dist/chela unless told`;

const TOKEN = "token-of-the-nodes-gate-1234567890";
/** Milliseconds; upstream's node host takes some seconds to load. */
const NODE_START_MS = 90_000;

export const gate: Gate = {
  name: "nodes",
  summary: "An unmodified openclaw node host pairs with the built executable and runs commands through it",
  async run(context) {
    const binary = resolve(argument(context, "--binary") ?? join(context.root, "dist", "chela"));
    const upstream = argument(context, "--upstream");
    const command = upstream && join(resolve(upstream), "node_modules", ".bin", "openclaw");
    if (!command || !existsSync(command)) {
      context.skip("node host", `no openclaw is installed in ${upstream ?? "a folder that was named"}\n${USAGE}`);
      return;
    }
    if (!existsSync(binary)) throw new Error(`${binary} is not there; run \`npm run build\` first`);
    const home = mkdtempSync(join(tmpdir(), "chela-nodes-"));
    const port = freePort();
    writeConfig(join(home, "gateway"), { gateway: { mode: "local", port, auth: { mode: "token", token: TOKEN } } });
    mkdirSync(join(home, "node"), { recursive: true, mode: 0o700 });
    try {
      const start = () =>
        GatewayProcess.start([binary, "gateway", "run"], {
          env: { HOME: join(home, "gateway"), PATH: "/usr/bin:/bin" },
        });
      let gateway = await context.step("start", start);
      const restart = async (): Promise<string> => {
        await gateway.stop();
        gateway = await start();
        return gateway.url;
      };
      try {
        await withNodeHost({ command, home: join(home, "node"), port }, (host) =>
          runChecks(context, gateway.url, { ...host, restartGateway: restart }),
        );
      } finally {
        await gateway.stop();
      }
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  },
};

function argument({ args }: GateContext, name: string): string | undefined {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args[at + 1];
}

function writeConfig(home: string, config: object): void {
  mkdirSync(join(home, ".openclaw"), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, ".openclaw", "openclaw.json"), JSON.stringify(config), { mode: 0o600 });
}

interface NodeHost {
  /** Ends the host and starts it again with the identity it has. */
  restart(): Promise<void>;
}

/** Runs upstream's node host, in a home and with a device of its own, as long as the work takes. */
async function withNodeHost<T>(
  { command, home, port }: { command: string; home: string; port: number },
  work: (host: NodeHost) => Promise<T>,
): Promise<T> {
  // A Node that is installed beside it is the one it asks for.
  const own = join(dirname(command), "..", "node", "bin");
  const env = {
    HOME: home,
    NO_COLOR: "1",
    OPENCLAW_GATEWAY_TOKEN: TOKEN,
    PATH: [own, dirname(command), process.env.PATH].join(":"),
  };
  const start = () =>
    Bun.spawn([command, "node", "run", "--host", "127.0.0.1", "--port", String(port), "--display-name", "Gate Node"], {
      env,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
  let child = start();
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
    await child.exited;
    clearTimeout(timer);
  };
  try {
    return await work({
      async restart() {
        await stop();
        child = start();
      },
    });
  } finally {
    await stop();
  }
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
type Answer = any;

interface Stage extends NodeHost {
  /** Stops the gateway and starts it again over the same state; gives its address. */
  restartGateway(): Promise<string>;
}

async function connect(url: string): Promise<TestClient> {
  const client = await TestClient.open(url);
  await client.hello({ auth: { token: TOKEN } });
  return client;
}

async function runChecks(context: GateContext, url: string, host: Stage): Promise<void> {
  let operator = await connect(url);
  let keys = 0;
  const invoke = (nodeId: string, command: string, params: unknown): Promise<Answer> =>
    operator.call("node.invoke", { nodeId, command, params, idempotencyKey: `gate-${++keys}`, timeoutMs: 20_000 });
  const connected = (): Promise<Answer> =>
    eventually("the node connects", async () => {
      const { nodes } = await operator.call("node.list");
      return nodes.find((node: Answer) => node.connected);
    });
  const waiting = await context.step("the node host connects and its surface waits", async () => {
    const node = await connected();
    must(node.approvalState === "pending-approval" && node.commands.length === 0, node);
    const { pending } = await operator.call("node.pair.list");
    const request = pending.find((each: Answer) => each.nodeId === node.nodeId);
    must(request.commands.includes("system.run") && request.commands.includes("system.which"), request);
    must(request.requiredApproveScopes.includes("operator.admin"), request);
    return request;
  });
  const { nodeId, requestId } = waiting;
  await context.check("nothing can be invoked before the approval", async () => {
    const refused = await invoke(nodeId, "system.which", { bins: ["sh"] }).catch((error) => error);
    must(refused.details?.code === "PAIRING_CHANGED", refused);
  });
  await context.step("an administrator approves it", async () => {
    await operator.call("node.pair.approve", { requestId });
    const node = await operator.call("node.describe", { nodeId });
    must(node.approvalState === "approved" && node.commands.includes("system.run"), node);
  });
  await context.check("system.which finds a program", async () => {
    const { payload } = await invoke(nodeId, "system.which", { bins: ["sh", "no-such-program"] });
    must(payload.bins.sh.endsWith("/sh") && payload.bins["no-such-program"] === undefined, payload);
  });
  await context.check("system.run runs a command and brings its output and exit code", async () => {
    const { payload } = await invoke(nodeId, "system.run", { command: ["sh", "-c", "echo from the node; exit 3"] });
    must(payload.exitCode === 3 && payload.stdout.trim() === "from the node", payload);
  });
  await context.check("system.run with a claimed approval is refused", async () => {
    const params = { command: ["id"], approved: true, runId: "made-up" };
    const refused = await invoke(nodeId, "system.run", params).catch((error) => error);
    must(refused.details?.code === "UNKNOWN_APPROVAL_ID", refused);
  });
  await checkApprovedRuns(context, operator, nodeId, invoke);
  await context.check("its host stats arrive", () =>
    eventually("host stats", async () => (await operator.call("node.describe", { nodeId })).hostStats?.cpuCount > 0),
  );
  await context.check("after a restart it needs no new approval", async () => {
    const at = operator.frames.length;
    await host.restart();
    await eventually(
      "the node goes",
      async () => !(await operator.call("node.describe", { nodeId })).connected,
      15_000,
    );
    const node = await connected();
    must(node.nodeId === nodeId && node.approvalState === "approved", node);
    must(!operator.frames.slice(at).some(({ event }) => event === "node.pair.requested"), "it asked again");
    const { payload } = await invoke(nodeId, "system.which", { bins: ["sh"] });
    must(payload.bins.sh.endsWith("/sh"), payload);
  });
  await context.check(
    "after a restart of the gateway it comes back by itself, and answers are still known",
    async () => {
      const key = {
        nodeId,
        command: "system.which",
        params: { bins: ["sh"] },
        idempotencyKey: "kept",
        timeoutMs: 20_000,
      };
      const before = await operator.call("node.invoke", key);
      operator = await connect(await host.restartGateway());
      const node = await connected();
      must(node.nodeId === nodeId && node.approvalState === "approved", node);
      must(JSON.stringify(await operator.call("node.invoke", key)) === JSON.stringify(before), "another answer");
      const { payload } = await invoke(nodeId, "system.run", { command: ["sh", "-c", "echo again"] });
      must(payload.stdout.trim() === "again", payload);
    },
  );
  await context.check("removing it ends its connection", async () => {
    await operator.call("node.pair.remove", { nodeId });
    const { nodes } = await operator.call("node.list");
    must(!nodes.some((node: Answer) => node.nodeId === nodeId && node.commands.length > 0), nodes);
  });
  operator.close();
}

type Invoke = (nodeId: string, command: string, params: unknown) => Promise<Answer>;

/** Has the node ask about every command, and lets it run one that was approved. The node is trusting again at the end. */
async function checkApprovedRuns(
  context: GateContext,
  operator: TestClient,
  nodeId: string,
  invoke: Invoke,
): Promise<void> {
  const command = ["sh", "-c", "echo approved"];
  const policy = async (defaults: object): Promise<void> => {
    const { hash, file } = await operator.call("exec.approvals.node.get", { nodeId });
    await operator.call("exec.approvals.node.set", { nodeId, file: { ...file, version: 1, defaults }, baseHash: hash });
  };
  await context.step("its list of allowed commands is read and written", async () => {
    await policy({ security: "allowlist", ask: "always", askFallback: "deny" });
    const { file } = await operator.call("exec.approvals.node.get", { nodeId });
    must(file.defaults.ask === "always", file);
    const stale = { nodeId, file: { version: 1 }, baseHash: "stale" };
    must(!(await operator.request("exec.approvals.node.set", stale)).ok, "a stale hash was taken");
  });
  await context.check("a command that nobody approved does not run there", async () => {
    const refused = await invoke(nodeId, "system.run", { command }).catch((error) => error);
    must(/approval/i.test(refused.message), refused);
  });
  await context.check("one that was approved runs, once, and as it was approved", async () => {
    const { payload } = await invoke(nodeId, "system.run.prepare", { command });
    const id = "gate-approval";
    const asked = {
      id,
      host: "node",
      nodeId,
      systemRunPlan: payload.plan,
      twoPhase: true,
      requireDeliveryRoute: false,
    };
    must((await operator.request("exec.approval.request", asked)).payload.status === "accepted", "not accepted");
    await operator.call("exec.approval.resolve", { id, decision: "allow-once" });
    const params = { command: ["echo", "forged"], approved: true, approvalDecision: "allow-once", runId: id };
    const run = await invoke(nodeId, "system.run", params);
    must(run.payload.stdout.trim() === "approved", run.payload);
    const again = await invoke(nodeId, "system.run", params).catch((error) => error);
    must(again.details?.code === "APPROVAL_REQUIRED", again);
  });
  await context.step("it trusts again", () => policy({ security: "full", ask: "off" }));
}

function must(condition: unknown, what: unknown): void {
  if (!condition) throw new Error(typeof what === "string" ? what : String(JSON.stringify(what)).slice(0, 500));
}

/** Asks again and again until there is something. @throws Error when the time is over */
async function eventually<T>(what: string, look: () => Promise<T>, withinMs = NODE_START_MS): Promise<T> {
  for (const end = performance.now() + withinMs; performance.now() < end; await Bun.sleep(200)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`${what}: not within ${withinMs / 1000} s`);
}
