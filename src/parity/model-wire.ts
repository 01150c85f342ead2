import type { Reply, ScriptCall, ScriptMessage } from "./model-script.ts";

/** One line of an event stream. `pause` marks where a slow answer waits. */
export interface Chunk {
  event?: string;
  data: unknown;
  /** True on the chunks that carry a word. */
  word?: boolean;
}

/** How one provider API reads a request and writes an answer. */
export interface Wire {
  messages(body: RequestBody): ScriptMessage[];
  whole(reply: Spoken, model: string): unknown;
  stream(reply: Spoken, model: string): Iterable<Chunk>;
  failure(status: number, message: string): unknown;
  /** What ends a stream besides its chunks. */
  readonly done?: string;
}

/** A reply that is an answer, not an HTTP error. */
export type Spoken = Exclude<Reply, { kind: "failure" }>;

export interface RequestBody {
  model?: string;
  stream?: boolean;
  messages?: { role: string; content: unknown }[];
  [key: string]: unknown;
}

/** Token counts of every answer, so that tests can add them up. */
export const REPORTED_USAGE = { input: 10, output: 5 } as const;

const callId = (index: number): string => `call_mock_${index + 1}`;
const CREATED = 1_700_000_000;

const words = (text: string): string[] => text.match(/\S+\s*/g) ?? [];

/** The text of a message content that is a string or an array of parts. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const texts = content.map((part: { text?: unknown } | null) => part?.text);
  return texts.filter((text) => typeof text === "string").join("\n");
}

/** `POST /v1/chat/completions` */
export const openAiWire: Wire = {
  done: "data: [DONE]\n\n",
  messages: ({ messages = [] }) =>
    messages.map(({ role, content }) => ({
      role: role === "user" || role === "assistant" || role === "tool" ? role : "other",
      text: textOf(content),
    })),
  whole(reply, model) {
    const message =
      reply.kind === "tool"
        ? { role: "assistant", content: null, tool_calls: reply.calls.map(toolCall) }
        : { role: "assistant", content: reply.text };
    const choice = { index: 0, message, finish_reason: finishReason(reply) };
    const head = { id: "chatcmpl-mock", object: "chat.completion", created: CREATED, model };
    return { ...head, choices: [choice], usage: openAiUsage() };
  },
  *stream(reply, model) {
    const head = { id: "chatcmpl-mock", object: "chat.completion.chunk", created: CREATED, model };
    const delta = (delta: unknown, finish_reason: string | null = null): unknown => ({
      ...head,
      choices: [{ index: 0, delta, finish_reason }],
    });
    yield { data: delta({ role: "assistant", content: "" }) };
    if (reply.kind === "tool") {
      for (const [index, call] of reply.calls.entries()) {
        yield { data: delta({ tool_calls: [{ index, ...toolCall(call, index) }] }) };
      }
    } else for (const content of words(reply.text)) yield { data: delta({ content }), word: true };
    yield { data: delta({}, finishReason(reply)) };
    yield { data: { ...head, choices: [], usage: openAiUsage() } };
  },
  failure: (_status, message) => ({ error: { message, type: "mock_error", code: "mock_error" } }),
};

const finishReason = ({ kind }: Spoken): string => (kind === "tool" ? "tool_calls" : "stop");

const toolCall = ({ name, args }: ScriptCall, index: number): object => ({
  id: callId(index),
  type: "function",
  function: { name, arguments: args },
});

const openAiUsage = (): object => ({
  prompt_tokens: REPORTED_USAGE.input,
  completion_tokens: REPORTED_USAGE.output,
  total_tokens: REPORTED_USAGE.input + REPORTED_USAGE.output,
});

interface AnthropicPart {
  type: string;
  content?: unknown;
}

/** `POST /v1/messages` */
export const anthropicWire: Wire = {
  messages: ({ messages = [] }) =>
    messages.flatMap(({ role, content }): ScriptMessage[] => {
      if (role !== "user") return [{ role: role === "assistant" ? "assistant" : "other", text: textOf(content) }];
      const parts: AnthropicPart[] = Array.isArray(content) ? content : [];
      const results = parts.filter(({ type }) => type === "tool_result");
      const said: ScriptMessage = { role: "user", text: textOf(content) };
      return [...results.map((part): ScriptMessage => ({ role: "tool", text: textOf(part.content) })), said];
    }),
  whole(reply, model) {
    const text = reply.kind === "text" && reply.text !== "" ? [{ type: "text", text: reply.text }] : [];
    const content =
      reply.kind === "tool"
        ? reply.calls.map(({ name, args }, index) => ({
            type: "tool_use",
            id: callId(index),
            name,
            input: parsed(args),
          }))
        : text;
    return { ...anthropicMessage(model), content, stop_reason: stopReason(reply), usage: anthropicUsage() };
  },
  *stream(reply, model) {
    const event = (type: string, fields: object): Chunk => ({ event: type, data: { type, ...fields } });
    const usage = { ...anthropicUsage(), output_tokens: 1 };
    yield event("message_start", { message: { ...anthropicMessage(model), content: [], stop_reason: null, usage } });
    if (reply.kind === "tool") {
      for (const [index, { name, args }] of reply.calls.entries()) {
        const block = { type: "tool_use", id: callId(index), name, input: {} };
        yield event("content_block_start", { index, content_block: block });
        yield event("content_block_delta", { index, delta: { type: "input_json_delta", partial_json: args } });
        yield event("content_block_stop", { index });
      }
    } else if (reply.text !== "") {
      yield event("content_block_start", { index: 0, content_block: { type: "text", text: "" } });
      for (const text of words(reply.text)) {
        yield { ...event("content_block_delta", { index: 0, delta: { type: "text_delta", text } }), word: true };
      }
      yield event("content_block_stop", { index: 0 });
    }
    const delta = { stop_reason: stopReason(reply), stop_sequence: null };
    yield event("message_delta", { delta, usage: { output_tokens: REPORTED_USAGE.output } });
    yield event("message_stop", {});
  },
  failure: (status, message) => ({ type: "error", error: { type: anthropicErrorType(status), message } }),
};

const anthropicMessage = (model: string): object => ({
  id: "msg_mock",
  type: "message",
  role: "assistant",
  model,
  stop_sequence: null,
});

const stopReason = ({ kind }: Spoken): string => (kind === "tool" ? "tool_use" : "end_turn");

const anthropicUsage = (): object => ({
  input_tokens: REPORTED_USAGE.input,
  output_tokens: REPORTED_USAGE.output,
});

function anthropicErrorType(status: number): string {
  const known: Record<number, string> = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
  };
  return known[status] ?? "api_error";
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}
