import type { GatewayConfig } from "../../../generated/config.ts";
import {
  type Frame,
  startTestGateway,
  type TestClient,
  type TestGateway,
  type TestGatewayOptions,
} from "../../gateway/testing.ts";
import { type ModelServer, startModelServer } from "../../parity/model-server.ts";

/** A gateway with a model server behind it, and one client with every scope. */
export interface ChatGateway extends TestGateway {
  model: ModelServer;
  client: TestClient;
}

/** The configuration of one provider `mock` with the models `mock-1`, `think-1` and `eye-1`, which sees images. */
export function mockProvider(baseUrl: string, over: object = {}): Partial<GatewayConfig> {
  const model = (id: string, more: object = {}) => ({
    id,
    name: id,
    reasoning: false,
    input: ["text"],
    contextWindow: 128_000,
    maxTokens: 4096,
    cost: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 },
    ...more,
  });
  const models = [model("mock-1"), model("think-1", { reasoning: true }), model("eye-1", { input: ["text", "image"] })];
  return {
    agents: { defaults: { model: { primary: "mock/mock-1" } } },
    models: {
      discovery: { enabled: false },
      providers: { mock: { baseUrl, apiKey: "model-key-0123456789", api: "openai-completions", models } },
    },
    ...over,
  } as unknown as Partial<GatewayConfig>;
}

/** Starts both. `stop` ends both. */
export async function startChatGateway(options: TestGatewayOptions = {}): Promise<ChatGateway> {
  const model = startModelServer();
  const gateway = await startTestGateway({ ...options, config: mockProvider(model.baseUrl, options.config) });
  const client = await gateway.connect();
  return {
    ...gateway,
    model,
    client,
    async stop() {
      await gateway.stop();
      await model.close();
    },
  };
}

let keys = 0;

/** A session key and a way to make idempotency keys that no other test uses. */
export function freshKey(): { sessionKey: string; id(name: string): string } {
  const n = ++keys;
  return { sessionKey: `agent:main:t${n}`, id: (name) => `t${n}-${name}` };
}

const ENDS = new Set(["final", "aborted", "error"]);

/** The chat frames of a run, once its last state is there. */
export async function chatEnd(client: TestClient, runId: string): Promise<Frame> {
  return client.event("chat", (payload) => payload.runId === runId && ENDS.has(payload.state), 0);
}

/** What one kind of frame says of a run: `chat/delta`, `agent/lifecycle/start`. Repeated ones are given once. */
export function kinds(frames: readonly Frame[], runId: string): string[] {
  const names = frames
    .filter(({ event, payload }) => (event === "chat" || event === "agent") && payload.runId === runId)
    .map(({ event, payload }) =>
      [event, payload.state ?? payload.stream, payload.phase ?? payload.data?.phase].filter(Boolean).join("/"),
    );
  return names.filter((name, index) => name !== names[index - 1]);
}

/** Payloads of the frames of a run. */
export const framesOf = (client: TestClient, runId: string, event = "chat") =>
  client.events(event).flatMap(({ payload }) => (payload.runId === runId ? [payload] : []));

/** What a session's transcript says, as `role: text`. */
export async function transcript({ services }: ChatGateway, sessionKey: string): Promise<string[]> {
  const messages = await services.sessions.recent(sessionKey, 1000);
  return messages.map(({ role, content }) => {
    const text =
      typeof content === "string" ? content : content.map((part) => ("text" in part ? part.text : part.type)).join("+");
    return `${role}: ${text}`;
  });
}
