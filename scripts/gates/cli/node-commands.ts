import { join } from "node:path";
import { type Commands, must, only, type Side } from "./sides.ts";
import type { Running, UpstreamCli } from "./upstream.ts";

/** Milliseconds until a node host has loaded and is where it is expected. */
const NODE_MS = 90_000;

const hosts = new Map<string, Running>();

/** Ends what commands have started and not ended. */
export async function stopNodeHosts(): Promise<void> {
  for (const host of hosts.values()) await host.stop();
  hosts.clear();
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
type Answer = any;

async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const end = performance.now() + NODE_MS; performance.now() < end; await Bun.sleep(500)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`${what}: not within ${NODE_MS / 1000} s`);
}

/** A call by the command line would cost a second of CPU each time it is repeated. */
async function pending({ port, token }: Side): Promise<Answer[]> {
  const { TestClient } = await import("../../../src/gateway/testing.ts");
  const client = await TestClient.open(`ws://127.0.0.1:${port}`);
  try {
    await client.hello({ auth: { token } });
    return ((await client.call("node.pair.list")) as Answer).pending;
  } finally {
    client.close();
  }
}

const waiting = (side: Side) => eventually("the surface of the node waits", async () => (await pending(side))[0]);

const node = ({ kept }: Side): string => kept.get("node")!;

const invoke = (cli: UpstreamCli, side: Side, command: string, params: object): Promise<Answer> =>
  cli.json("nodes", "invoke", "--node", node(side), "--command", command, "--params", JSON.stringify(params));

/** Nodes, by upstream's own node host. */
export const nodeCommands: Commands = [
  ["nodes status (none)", async (cli) => only(await cli.json("nodes", "status"), "nodes")],
  ["nodes list (none)", async (cli) => cli.json("nodes", "list")],
  ["nodes describe (unknown)", async (cli) => cli.refusal("nodes", "describe", "--node", "nope")],
  ["nodes approve (unknown)", async (cli) => cli.refusal("nodes", "approve", "nope")],
  ["nodes reject (unknown)", async (cli) => cli.refusal("nodes", "reject", "nope")],
  [
    "node run, nodes pending",
    async (cli, side) => {
      const words = ["node", "run", "--host", "127.0.0.1", "--port", String(side.port), "--display-name", "Gate Node"];
      const env = { OPENCLAW_GATEWAY_TOKEN: side.token };
      hosts.set(side.name, cli.in(join(side.folder, "node")).start(words, { env }));
      const { nodeId } = await waiting(side);
      side.kept.set("node", nodeId);
      const [request] = await cli.json("nodes", "pending");
      return only(request as Answer, "displayName", "caps", "commands", "requiredApproveScopes", "platform");
    },
  ],
  [
    "nodes reject, and it asks again",
    async (cli, side) => {
      const { requestId } = await waiting(side);
      await cli.json("nodes", "reject", requestId);
      must(!(await pending(side)).some((request) => request.requestId === requestId), "it still waits");
      await hosts.get(side.name)!.stop();
      const words = ["node", "run", "--host", "127.0.0.1", "--port", String(side.port), "--display-name", "Gate Node"];
      const env = { OPENCLAW_GATEWAY_TOKEN: side.token };
      hosts.set(side.name, cli.in(join(side.folder, "node")).start(words, { env }));
      await waiting(side);
    },
  ],
  [
    "nodes approve",
    async (cli, side) => {
      const { requestId } = await waiting(side);
      const { node: approved } = await cli.json("nodes", "approve", requestId);
      must(approved.nodeId === node(side), approved);
    },
  ],
  [
    "nodes status",
    async (cli) => {
      const { nodes } = await cli.json("nodes", "status");
      return nodes.map((each: Answer) => only(each, "displayName", "platform", "connected", "paired", "commands"));
    },
  ],
  [
    "nodes list",
    async (cli) => {
      const { pending: asking, paired } = await cli.json("nodes", "list");
      return { asking, paired: paired.map((each: Answer) => only(each, "displayName")) };
    },
  ],
  [
    "nodes describe",
    async (cli, side) => {
      const found = await cli.json("nodes", "describe", "--node", "Gate Node");
      must(found.nodeId === node(side), found);
      return only(found, "displayName", "connected", "paired", "approvalState", "commands", "caps");
    },
  ],
  [
    "nodes invoke",
    async (cli, side) => {
      const { ok, payload } = await invoke(cli, side, "system.which", { bins: ["sh", "no-such-program"] });
      return { ok, payload };
    },
  ],
  [
    "nodes invoke (not declared)",
    async (cli, side) => {
      const words = ["--node", node(side), "--command", "no.such.command", "--params", "{}"];
      return cli.refusal("nodes", "invoke", ...words);
    },
  ],
  [
    "approvals get --node",
    async (cli, side) => Object.keys(await cli.json("approvals", "get", "--node", node(side))).sort(),
  ],
  [
    "nodes rename",
    async (cli, side) => {
      await cli.json("nodes", "rename", "--node", node(side), "--name", "Renamed");
      return only(await cli.json("nodes", "describe", "--node", "Renamed"), "displayName");
    },
  ],
  [
    "nodes remove",
    async (cli, side) => {
      await cli.json("nodes", "remove", "--node", node(side));
      await hosts.get(side.name)!.stop();
      hosts.delete(side.name);
      const { nodes } = await cli.json("nodes", "status");
      return nodes.length;
    },
  ],
];
