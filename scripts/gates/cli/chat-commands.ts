import { readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { type Commands, must, only, without } from "./sides.ts";

const KEY = "agent:main:cli-gate";
const PROTOCOL = "2025-06-18";
const CLIENT = { name: "gate", version: "1" };

const request = (id: number, method: string, params: object = {}) => ({ jsonrpc: "2.0", id, method, params });

/** The answer to a request on a stream of JSON lines. */
const answerTo = (id: number) => (printed: string) => {
  for (const line of printed.split("\n")) {
    if (!line.startsWith("{")) continue;
    const message = JSON.parse(line);
    if (message.id === id && message.method === undefined) return message;
  }
  return null;
};

/** What an agent says, put together from the pieces in which it comes. */
function piecesOf(printed: string): string {
  const lines = printed
    .split("\n")
    .slice(0, -1)
    .filter((line) => line.includes("agent_message_chunk"));
  return lines.map((line) => JSON.parse(line).params.update.content.text).join("");
}

/** Talking with an agent, by every way the command line has, and its sessions. */
export const chatCommands: Commands = [
  [
    "agent --message",
    async (cli) => must((await cli.text("agent", "--message", "hi there")) === "echo: hi there", "another answer"),
  ],
  [
    "agent --json in a session",
    async (cli) => {
      const answer = await cli.json("agent", "--message", "again", "--session-key", KEY);
      must(answer.status === "ok" && answer.result.payloads[0].text === "echo: again", answer);
      return { ...only(answer, "status", "summary"), payloads: answer.result.payloads };
    },
  ],
  ["sessions (its own store)", async (cli) => only(await cli.json("sessions"), "count")],
  [
    "gateway call sessions.list",
    async (cli) => {
      const { sessions } = await cli.json("gateway", "call", "sessions.list");
      return sessions.map((row: { key: string }) => row.key).sort();
    },
  ],
  [
    "gateway call chat.history",
    async (cli) => {
      const params = JSON.stringify({ sessionKey: KEY });
      const { messages } = await cli.json("gateway", "call", "chat.history", "--params", params);
      must(messages.length === 2, messages);
      return messages.map((message: object) => only(message as { role: string }, "role"));
    },
  ],
  [
    "gateway call agent --expect-final",
    async (cli) => {
      const params = JSON.stringify({ message: "final", sessionKey: KEY, idempotencyKey: crypto.randomUUID() });
      const answer = await cli.json("gateway", "call", "agent", "--params", params, "--expect-final");
      return { ...only(answer, "status", "summary"), payloads: answer.result.payloads };
    },
  ],
  [
    "sessions compact",
    async (cli) => {
      const unknown = await cli.json("sessions", "compact", "agent:main:nope");
      const known = await cli.json("sessions", "compact", KEY, "--max-lines", "100");
      return [unknown, only(known, "ok", "key", "compacted")];
    },
  ],
  [
    "sessions archive",
    async (cli) => {
      const unknown = await cli.run("sessions", "archive", "agent:main:nope", "--json");
      must(unknown.code === 1, unknown);
      return [JSON.parse(unknown.out), await cli.json("sessions", "archive", KEY)];
    },
  ],
  [
    "sessions delete",
    async (cli) => {
      const unsure = await cli.run("sessions", "delete", KEY, "--json");
      must(unsure.code === 1, unsure);
      const gone = await cli.json("sessions", "delete", KEY, "--yes");
      const { sessions } = await cli.json("gateway", "call", "sessions.list");
      must(!sessions.some((row: { key: string }) => row.key === KEY), sessions);
      // Where upstream keeps the transcript of a deleted session is its own affair.
      const results = gone.results.map((result: object) => without(result, "archived"));
      return [JSON.parse(unsure.out), { ...gone, results }];
    },
  ],
  [
    "acp",
    async (cli, { folder }) => {
      const bridge = cli.start(["acp"]);
      try {
        bridge.send(request(1, "initialize", { protocolVersion: 1, clientCapabilities: {} }));
        const hello = await bridge.until(answerTo(1), "initialize");
        bridge.send(request(2, "session/new", { cwd: folder, mcpServers: [] }));
        const { result } = await bridge.until(answerTo(2), "session/new");
        must(result?.sessionId, result);
        const prompt = [{ type: "text", text: "by acp" }];
        bridge.send(request(3, "session/prompt", { sessionId: result.sessionId, prompt }));
        const end = await bridge.until(answerTo(3), "session/prompt");
        await bridge.until((printed) => piecesOf(printed).startsWith("echo: "), "the answer in pieces");
        must(end.result?.stopReason === "end_turn", end);
        return [hello.result.protocolVersion, end.result.stopReason];
      } finally {
        await bridge.stop();
      }
    },
  ],
  [
    "mcp serve",
    async (cli) => {
      const server = cli.start(["mcp", "serve"]);
      try {
        server.send(request(1, "initialize", { protocolVersion: PROTOCOL, capabilities: {}, clientInfo: CLIENT }));
        const hello = await server.until(answerTo(1), "initialize");
        server.send({ jsonrpc: "2.0", method: "notifications/initialized" });
        server.send(request(2, "tools/list"));
        const { result } = await server.until(answerTo(2), "tools/list");
        const tools = result.tools.map((tool: { name: string }) => tool.name).sort();
        must(tools.includes("conversations_list"), tools);
        server.send(request(3, "tools/call", { name: "conversations_list", arguments: {} }));
        const list = await server.until(answerTo(3), "conversations_list");
        must(list.result && !list.result.isError, list);
        return [without(hello.result.serverInfo, "version"), tools];
      } finally {
        await server.stop();
      }
    },
  ],
  [
    "tui",
    async (cli, { name }) => {
      const screen = cli.start(["tui", "--session", "agent:main:by-tui", "--message", "by tui"], {
        terminal: true,
        env: { TERM: "xterm", COLUMNS: "100" },
      });
      try {
        // The model server of the gates has no text for what upstream's gateway makes of a message from here.
        const end = name === "chela" ? "echo: by tui" : "run error";
        await screen.until((printed) => printed.includes(end), "the answer on the screen");
      } finally {
        await screen.stop();
      }
    },
  ],
  [
    "attach --print-config",
    async (cli) => {
      const { out } = await cli.run("attach", "--session", "agent:main:attached", "--ttl", "60000", "--print-config");
      const { sessionKey, env, configPath, launch } = JSON.parse(out.slice(0, out.lastIndexOf("}") + 1));
      const { openclaw } = JSON.parse(readFileSync(configPath, "utf8")).mcpServers;
      rmSync(dirname(configPath), { recursive: true });
      const headers = {
        "Content-Type": "application/json",
        Accept: "application/json, text/event-stream",
        Authorization: `Bearer ${env.OPENCLAW_MCP_TOKEN}`,
      };
      const body = JSON.stringify(
        request(1, "initialize", { protocolVersion: PROTOCOL, capabilities: {}, clientInfo: CLIENT }),
      );
      const { status } = await fetch(openclaw.url, { method: "POST", headers, body });
      const stranger = { ...headers, Authorization: "Bearer no-such-grant" };
      const refused = await fetch(openclaw.url, { method: "POST", headers: stranger, body });
      return {
        sessionKey,
        launch: launch.length,
        status,
        refused: refused.status,
        server: only(openclaw, "type", "headers"),
      };
    },
  ],
  ["users list", async (cli) => cli.json("users", "list")],
  [
    "message send (no channel is configured)",
    async (cli) => cli.refusal("message", "send", "--channel", "telegram", "--target", "telegram:1", "--message", "x"),
  ],
];
