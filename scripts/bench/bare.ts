import { Database } from "bun:sqlite";

/**
 * The measure of all things: a WebSocket server that answers the frames of the bench with nothing behind it but Bun and
 * an open SQLite database. What it answers it has read from a file, so that its frames have the same size as the
 * gateway's; it parses what comes and looks up the answer.
 *
 * usage: bare PORT ANSWERS.json DATABASE MODEL_BASE_URL | bare --version
 */
if (process.argv[2] === "--version") {
  console.log("bare");
  process.exit(0);
}
const [port, answersFile, databaseFile, modelBaseUrl] = process.argv.slice(2);
const answers: Record<string, unknown> = await Bun.file(answersFile!).json();
const payloads = new Map(Object.entries(answers).map(([method, payload]) => [method, JSON.stringify(payload)]));
const database = new Database(databaseFile!, { create: true, strict: true });
database.exec("PRAGMA journal_mode = WAL");
database.exec("CREATE TABLE IF NOT EXISTS note (text TEXT)");

type Socket = Bun.ServerWebSocket<undefined>;

const send = (socket: Socket, event: string, payload: unknown): void => {
  socket.send(JSON.stringify({ type: "event", event, payload }));
};

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("bare")),
  websocket: {
    open(socket) {
      socket.subscribe("all");
      send(socket, "connect.challenge", { nonce: crypto.randomUUID(), ts: Date.now() });
    },
    message(socket, message) {
      const { id, method, params } = JSON.parse(String(message));
      if (method === "chat.send") void turn(socket, id, params);
      else socket.send(`{"type":"res","id":"${id}","ok":true,"payload":${payloads.get(method) ?? '{"ok":true}'}}`);
      if (method === "system-event") {
        server.publish(
          "all",
          JSON.stringify({ type: "event", event: "presence", payload: answers["system-presence"] }),
        );
      }
    },
  },
});

/** A turn without a session: one write, one call of the model, its words passed on. */
async function turn(socket: Socket, id: string, params: { message: string; idempotencyKey: string }): Promise<void> {
  const runId = params.idempotencyKey;
  database.run("INSERT INTO note VALUES (?)", [params.message]);
  socket.send(JSON.stringify({ type: "res", id, ok: true, payload: { runId, status: "started" } }));
  const response = await fetch(`${modelBaseUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "mock-1", stream: true, messages: [{ role: "user", content: params.message }] }),
  });
  let text = "";
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      if (!line.startsWith("data: {")) continue;
      const delta = JSON.parse(line.slice(6)).choices[0]?.delta?.content;
      if (!delta) continue;
      text += delta;
      send(socket, "chat", { runId, state: "delta", deltaText: delta, message: { role: "assistant", content: text } });
    }
  }
  database.run("INSERT INTO note VALUES (?)", [text]);
  send(socket, "chat", { runId, state: "final", message: { role: "assistant", content: text } });
}
