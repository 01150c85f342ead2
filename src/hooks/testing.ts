import { type ChatGateway, startChatGateway } from "../agents/testing/chat-gateway.ts";
import type { Payload, TestGatewayOptions } from "../gateway/testing.ts";

export const HOOK_TOKEN = "a-secret-of-hooks-alone-0123456789";

export interface HooksGateway extends ChatGateway {
  /** Calls a hook with the token, or with other headers. */
  hook(
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: Payload; headers: Headers }>;
  /** What the model was last asked, as one text; and who asked. */
  asked(): string;
}

/** A gateway with hooks, a model server, and no heartbeats but those that are woken. */
export async function startHooksGateway(hooks: object = {}, options: TestGatewayOptions = {}): Promise<HooksGateway> {
  const gateway = await startChatGateway({
    ...options,
    config: {
      agents: { defaults: { model: { primary: "mock/mock-1" }, heartbeat: { every: "0m" } } },
      hooks: { enabled: true, token: HOOK_TOKEN, ...hooks },
      ...options.config,
    } as never,
  });
  return {
    ...gateway,
    async hook(path, body, headers = { authorization: `Bearer ${HOOK_TOKEN}` }) {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const response = await fetch(gateway.httpUrl + path, { method: "POST", headers, body: text });
      const answer = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: answer.startsWith("{") ? JSON.parse(answer) : answer,
      };
    },
    asked() {
      const { messages } = gateway.model.calls.at(-1)!.body as unknown as {
        messages: { role: string; content: string }[];
      };
      return messages.map(({ role, content }) => `${role}: ${content}`).join("\n");
    },
  };
}

/** Waits for the note of a hook's end in the main session, which wakes it. */
export const woken = (gateway: HooksGateway, from: number) => gateway.client.event("heartbeat", () => true, from);
