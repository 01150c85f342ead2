import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ChatGateway, startChatGateway } from "../agents/testing/chat-gateway.ts";

interface Recorded {
  id: string;
  request: {
    method?: string;
    path: string;
    headers?: Record<string, string>;
    auth?: false;
    body?: unknown;
    raw?: string;
    /** Length of a text in the body. */
    big?: number;
  };
  answer: { status: number; headers: Record<string, string>; body: unknown };
}

const TOKEN = "hooktoken-hooktoken-123456789";
/** The words of the JSON parser are the runtime's. */
const OTHER_WORDS = new Set(["wake-badjson"]);
/** A model that answers with no text is asked once more, also here, and the test's model then has something to say. */
const ASKED_AGAIN = "agent-wait-empty";

let gateway: ChatGateway;
afterEach(() => gateway.stop());

function recordings(name: string): Recorded[] {
  const file = join(import.meta.dir, "../../fixtures/recordings/http", `${name}.jsonl`);
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

async function play({ request }: Recorded): Promise<Recorded["answer"]> {
  const { method = "POST", path, headers, auth, body, raw, big } = request;
  const text =
    big !== undefined
      ? JSON.stringify({ text: "x".repeat(big) })
      : (raw ?? (body === undefined ? undefined : JSON.stringify(body)));
  const response = await fetch(gateway.httpUrl + path, {
    method,
    headers: {
      ...(auth === false ? {} : { authorization: `Bearer ${TOKEN}` }),
      "content-type": "application/json",
      ...headers,
    },
    body: method === "GET" ? undefined : text,
  });
  const shown = ["content-type", "allow", "retry-after"].flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  const answer = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  return { status: response.status, headers: Object.fromEntries(shown), body: isJson ? JSON.parse(answer) : answer };
}

/** Ids of runs by the order in which they appear, so that the same run is the same name. */
function withRunNames() {
  const names = new Map<string, string>();
  const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
  return (body: unknown): unknown =>
    JSON.parse(
      JSON.stringify(body).replace(uuid, (id) => {
        const name = names.get(id) ?? `<run ${names.size + 1}>`;
        names.set(id, name);
        return name;
      }),
    );
}

async function replay(name: string): Promise<void> {
  const named = withRunNames();
  for (const recorded of recordings(name)) {
    const { connection: _, ...headers } = recorded.answer.headers;
    const answer = await play(recorded);
    if (OTHER_WORDS.has(recorded.id)) {
      expect([recorded.id, answer.status, (answer.body as { ok: boolean }).ok]).toEqual([recorded.id, 400, false]);
    } else if (recorded.id === ASKED_AGAIN) {
      named(answer.body);
      expect((answer.body as { completion: object }).completion).toMatchObject({ status: "ok", delivered: false });
    } else {
      expect([recorded.id, { ...answer, body: named(answer.body) }]).toEqual([
        recorded.id,
        { ...recorded.answer, headers },
      ]);
    }
  }
}

test("hooks answer what upstream answers", async () => {
  const mapping = (path: string, more: object) => ({ match: { path }, deliver: false, ...more });
  gateway = await startChatGateway({
    config: {
      hooks: {
        enabled: true,
        token: TOKEN,
        mappings: [
          mapping("ci", { name: "CI {{repo}}", messageTemplate: "Build {{build.id}} of {{repo}}" }),
          mapping("ping", { action: "wake", textTemplate: "Ping: {{text}}" }),
          { match: { source: "sensor" }, action: "wake", wakeMode: "next-heartbeat", textTemplate: "sensor {{value}}" },
          mapping("batch", { forEach: "items", messageTemplate: "Item {{items[0].n}}" }),
          mapping("wbatch", { action: "wake", forEach: "items", textTemplate: "Item {{items[0].n}}" }),
          mapping("keyed", { messageTemplate: "hello {{x}}", sessionKey: "hook:fixed" }),
        ],
      },
    } as never,
  });
  await gateway.client.call("set-heartbeats", { enabled: false });
  await replay("hooks");
}, 30_000);

test("hooks keep to the rules for session keys and agents as upstream does", async () => {
  const mapping = (path: string, more: object) => ({ match: { path }, deliver: false, ...more });
  gateway = await startChatGateway({
    config: {
      agents: { defaults: { model: { primary: "mock/mock-1" } }, entries: { main: { default: true }, reader: {} } },
      hooks: {
        enabled: true,
        token: TOKEN,
        presets: ["gmail"],
        allowRequestSessionKey: true,
        allowedSessionKeyPrefixes: ["hook:"],
        allowedAgentIds: ["main"],
        mappings: [
          mapping("tpl", { messageTemplate: "t {{x}}", sessionKey: "hook:tpl:{{x}}" }),
          mapping("tpl2", { messageTemplate: "t {{x}}", sessionKey: "{{x}}" }),
          mapping("pers", { messageTemplate: "p {{x}}", sessionKey: "hook:pers", sessionMode: "persistent" }),
          mapping("rd", { messageTemplate: "p {{x}}", agentId: "reader" }),
          mapping("unk", { messageTemplate: "p {{x}}", agentId: "whoever" }),
          mapping("em", { messageTemplate: "{{nope}}" }),
          mapping("et", { action: "wake", textTemplate: "{{nope}}" }),
          { match: { path: "chan" }, messageTemplate: "c" },
          { match: { path: "last" }, messageTemplate: "mapped last", channel: "last" },
          mapping("unsafe", { messageTemplate: "unsafe says {{x}}", allowUnsafeExternalContent: true }),
          mapping("proto", { messageTemplate: "p[{{__proto__.x}}][{{constructor}}][{{x.length}}][{{toString}}]" }),
          { match: { path: "/a/b/" }, action: "wake", textTemplate: "sub {{path}} {{now}}" },
          mapping("esc", { messageTemplate: "A={{a}} B={{a.b[1].c}}", timeoutSeconds: 30 }),
        ],
      },
    } as never,
  });
  await gateway.client.call("set-heartbeats", { enabled: false });
  await replay("hooks-keys");
}, 30_000);
