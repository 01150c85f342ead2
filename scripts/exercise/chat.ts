import { GatewayClient } from "../../src/client/client.ts";
import { uuid } from "../../src/platform/ids.ts";

/** What a chat through a running gateway showed. */
export interface Chat {
  /** The answer as the final event had it. */
  answer: string;
  /** Pieces that came before it. */
  deltas: string[];
}

/** A client of the gateway with every scope that a chat needs. Stop it afterwards. */
export async function connectTo(url: string, token: string): Promise<GatewayClient> {
  const client = new GatewayClient({
    url,
    secret: { token },
    who: {
      client: { id: "gateway-client", mode: "backend", version: "1.0.0", platform: "linux" },
      role: "operator",
      scopes: ["operator.read", "operator.write"],
    },
  }).start();
  await client.connected();
  return client;
}

/** Sends a message and waits for its answer. @throws Error when the run fails or takes too long */
export async function chat(
  client: GatewayClient,
  sessionKey: string,
  message: string,
  timeoutMs = 20_000,
): Promise<Chat> {
  const runId = uuid();
  const deltas: string[] = [];
  const done = Promise.withResolvers<string>();
  const end = client.onEvent((event, payload) => {
    const chat = payload as ChatEvent;
    if (event !== "chat" || chat.runId !== runId) return;
    if (chat.state === "delta") deltas.push(chat.deltaText ?? "");
    else if (chat.state === "final") done.resolve(textOf(chat.message));
    else if (chat.state !== "status")
      done.reject(new Error(`the run ended with ${chat.state}: ${chat.errorMessage ?? ""}`));
  });
  const timer = setTimeout(() => done.reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    await client.request("chat.send", { sessionKey, message, idempotencyKey: runId });
    return { answer: await done.promise, deltas };
  } finally {
    clearTimeout(timer);
    end();
  }
}

interface Message {
  role: string;
  content: string | { type: string; text?: string }[];
}

interface ChatEvent {
  runId: string;
  state: string;
  deltaText?: string;
  errorMessage?: string;
  message?: Message;
}

function textOf(message: Message | undefined): string {
  if (message === undefined) return "";
  if (typeof message.content === "string") return message.content;
  return message.content.map(({ text = "" }) => text).join("");
}

/** The config of a gateway whose default model is the local model server. */
export const configFor = (modelBaseUrl: string, gateway: object = {}): object => ({
  gateway: { mode: "local", ...gateway },
  agents: { defaults: { model: { primary: "mock/mock-1" } } },
  models: {
    providers: {
      mock: {
        baseUrl: modelBaseUrl,
        apiKey: "none-needed",
        api: "openai-completions",
        models: [{ id: "mock-1", name: "mock-1", contextWindow: 128_000, maxTokens: 4096 }],
      },
    },
  },
});
