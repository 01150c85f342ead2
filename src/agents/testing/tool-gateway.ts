import type { TestClient } from "../../gateway/testing.ts";
import type { Tool, ToolContext } from "../../tools/types.ts";
import { ToolError, textResult } from "../../tools/types.ts";
import { type ChatGateway, chatEnd, freshKey, startChatGateway } from "./chat-gateway.ts";

/** A gateway whose agents have a few tools that only tests know, and what those were called with. */
export interface ToolGateway extends ChatGateway {
  /** `name json`, in the order in which the calls began. */
  made: string[];
  /** Says something in a fresh session and waits for the end of its run. */
  say(text: string): Promise<{ sessionKey: string; runId: string }>;
}

const OPEN = { type: "object", properties: { text: { type: "string" } }, additionalProperties: false };

/** Starts it; `more` are further tools. */
export async function startToolGateway(config: object = {}, more: readonly Tool[] = []): Promise<ToolGateway> {
  const gateway = await startChatGateway({ config: config as never });
  const made: string[] = [];
  const noted = (tool: Tool): Tool => ({
    ...tool,
    run(args, context) {
      made.push(`${tool.name} ${JSON.stringify(args)}`);
      return tool.run(args, context);
    },
  });
  const tools = [...PROBES, ...more];
  gateway.services.toolRegistry.add(...tools.map(noted));
  const { client } = gateway;
  return {
    ...gateway,
    made,
    async say(text) {
      const { sessionKey, id } = freshKey();
      await client.call("chat.send", { sessionKey, message: text, idempotencyKey: id("a") });
      await chatEnd(client, id("a"));
      return { sessionKey, runId: id("a") };
    },
  };
}

/** What a tool's result was: its JSON, or its text under `text`, with the pictures beside it; `error` when it failed. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into results freely
export type UsedTool = Record<string, any>;

/** Has the model call a tool in a session, a fresh one unless told, and gives the result. */
export async function useTool(
  gateway: ChatGateway,
  name: string,
  args: object,
  { by = gateway.client, sessionKey = freshKey().sessionKey }: { by?: TestClient; sessionKey?: string } = {},
): Promise<UsedTool> {
  const { id } = freshKey();
  await by.call("chat.send", { sessionKey, message: `TOOL:${name} ${JSON.stringify(args)}`, idempotencyKey: id("a") });
  await chatEnd(by, id("a"));
  const messages = await gateway.services.sessions.recent(sessionKey, 100);
  const { content } = messages.findLast(({ role }) => role === "toolResult")!;
  const [first, ...others] = content as { type: string; text?: string }[];
  const text = first!.text!;
  const images = others.filter(({ type }) => type === "image");
  const value = text.startsWith("{") ? JSON.parse(text) : { text, ...(isFailure(text) ? { error: text } : {}) };
  return images.length > 0 ? { ...value, images } : value;
}

/** Refusals before a tool ran come as plain text. */
const isFailure = (text: string): boolean => /^(?:Tool \S+ not found|Validation failed|The defender )/.test(text);

const PROBES: readonly Tool[] = [
  {
    name: "probe_say",
    description: "Says its text again.",
    parameters: { ...OPEN, required: ["text"] },
    run: async ({ text }) => textResult(`said: ${text}`, { length: String(text).length }),
  },
  {
    name: "probe_look",
    description: "Says its text again, and changes nothing.",
    parameters: { ...OPEN, required: ["text"] },
    reads: true,
    run: async ({ text }) => textResult(`seen: ${text}`),
  },
  {
    name: "probe_fail",
    description: "Fails.",
    parameters: OPEN,
    run: () => Promise.reject(new ToolError("there is no such thing")),
  },
  {
    name: "probe_break",
    description: "Fails with something that is for the log alone.",
    parameters: OPEN,
    run: () => Promise.reject(new Error("internal path /etc/secret")),
  },
];

/** A tool that waits until it is let go, and ends when its run does. */
export function waitingTool(name: string): { tool: Tool; begun: Promise<ToolContext>; letGo(text: string): void } {
  const begun = Promise.withResolvers<ToolContext>();
  const done = Promise.withResolvers<string>();
  const tool: Tool = {
    name,
    description: "Waits.",
    parameters: OPEN,
    async run(_args, context) {
      begun.resolve(context);
      const stopped = new Promise<never>((_resolve, reject) => {
        context.signal.addEventListener("abort", () => reject(context.signal.reason), { once: true });
      });
      return textResult(await Promise.race([done.promise, stopped]));
    },
  };
  return { tool, begun: begun.promise, letGo: (text) => done.resolve(text) };
}

/** A message that makes the model go through these steps. */
export const steps = (...calls: { name: string; args?: unknown }[][]): string => `STEPS: ${JSON.stringify(calls)}`;
