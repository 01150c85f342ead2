/** What a model says in one answer. */
export interface Said {
  thinking?: string;
  /** Sent word by word. */
  text?: string;
  /** `args` is sent as it is written, valid JSON or not. */
  calls?: { id: string; name: string; args: string }[];
  stop?: "stop" | "length";
}

/** One provider API as its public documentation has it. */
export interface Wire {
  contentType: string;
  /** The frames of a streamed answer; without the last `closing` of them it has broken off. */
  frames(said: Said, model: string): string[];
  closing: number;
  /** An error inside a stream. */
  errorFrame(type: string, message: string): string;
  /** The body of an error answer. */
  refusal(status: number, message: string): unknown;
}

/** What every answer costs: 100 tokens in, 40 of them read from a cache where the API tells; 7 out, thoughts included. */
export const USED = { input: 100, cached: 40, output: 7 } as const;
/** What Anthropic's signatures, Gemini's marks and OpenAI's sealed thoughts are. */
export const SEAL = "c2VhbGVk";

const words = (text = ""): string[] => text.match(/\S+\s*/g) ?? [];
const sse = (data: unknown, event?: string) =>
  `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;

/** `POST /v1/chat/completions` (OpenAI, API reference, "Chat"); thoughts as DeepSeek and others add them. */
const completions: Wire = {
  contentType: "text/event-stream",
  closing: 3,
  frames(said, model) {
    const chunk = (delta: object, finish_reason: string | null = null) =>
      sse({
        id: "chatcmpl-1",
        object: "chat.completion.chunk",
        created: 1,
        model,
        choices: [{ index: 0, delta, finish_reason }],
      });
    const calls = (said.calls ?? []).flatMap(({ id, name, args }, index) => {
      const half = Math.ceil(args.length / 2);
      const piece = (part: object) => chunk({ tool_calls: [{ index, ...part }] });
      return [
        piece({ id, type: "function", function: { name, arguments: "" } }),
        piece({ function: { arguments: args.slice(0, half) } }),
        piece({ function: { arguments: args.slice(half) } }),
      ];
    });
    return [
      chunk({ role: "assistant", content: "" }),
      ...words(said.thinking).map((reasoning_content) => chunk({ reasoning_content })),
      ...words(said.text).map((content) => chunk({ content })),
      ...calls,
      chunk({}, said.calls ? "tool_calls" : (said.stop ?? "stop")),
      sse({
        id: "chatcmpl-1",
        object: "chat.completion.chunk",
        created: 1,
        model,
        choices: [],
        usage: {
          prompt_tokens: USED.input,
          completion_tokens: USED.output,
          total_tokens: USED.input + USED.output,
          prompt_tokens_details: { cached_tokens: USED.cached },
        },
      }),
      "data: [DONE]\n\n",
    ];
  },
  errorFrame: (type, message) => sse({ error: { message, type, code: type } }),
  refusal: (status, message) => ({ error: { message, type: "error", code: String(status) } }),
};

/** `POST /v1/responses` (OpenAI, API reference, "Responses"). */
const responses: Wire = {
  contentType: "text/event-stream",
  closing: 1,
  frames(said, model) {
    let sequence_number = 0;
    const frame = (type: string, fields: object) => sse({ type, sequence_number: sequence_number++, ...fields }, type);
    const response = { id: "resp_1", object: "response", created_at: 1, model, status: "in_progress", output: [] };
    const frames = [frame("response.created", { response })];
    let output_index = 0;
    const item = (start: object, body: (at: object) => string[], end: object) => {
      frames.push(frame("response.output_item.added", { output_index, item: start }));
      frames.push(...body({ output_index }));
      frames.push(frame("response.output_item.done", { output_index, item: end }));
      output_index++;
    };
    if (said.thinking !== undefined) {
      const own = { type: "reasoning", id: "rs_1" };
      const at = { item_id: "rs_1", summary_index: 0 };
      const summary = [{ type: "summary_text", text: said.thinking }];
      item(
        { ...own, summary: [], encrypted_content: null },
        (place) => [
          frame("response.reasoning_summary_part.added", { ...place, ...at, part: { type: "summary_text", text: "" } }),
          ...words(said.thinking).map((delta) =>
            frame("response.reasoning_summary_text.delta", { ...place, ...at, delta }),
          ),
          frame("response.reasoning_summary_part.done", { ...place, ...at, part: summary[0] }),
        ],
        { ...own, summary, encrypted_content: SEAL },
      );
    }
    if (said.text !== undefined) {
      const own = { type: "message", id: "msg_1", role: "assistant", status: "completed" };
      const content = [{ type: "output_text", text: said.text, annotations: [] }];
      item(
        { ...own, status: "in_progress", content: [] },
        (place) =>
          words(said.text).map((delta) =>
            frame("response.output_text.delta", { ...place, item_id: "msg_1", content_index: 0, delta }),
          ),
        { ...own, content },
      );
    }
    for (const { id, name, args } of said.calls ?? []) {
      const own = { type: "function_call", id: `fc_${id}`, call_id: id, name };
      item(
        { ...own, arguments: "", status: "in_progress" },
        (place) => [frame("response.function_call_arguments.delta", { ...place, item_id: own.id, delta: args })],
        { ...own, arguments: args, status: "completed" },
      );
    }
    const isCut = said.stop === "length";
    const usage = {
      input_tokens: USED.input,
      input_tokens_details: { cached_tokens: USED.cached },
      output_tokens: USED.output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: USED.input + USED.output,
    };
    const incomplete_details = isCut ? { reason: "max_output_tokens" } : null;
    const end = { ...response, status: isCut ? "incomplete" : "completed", incomplete_details, usage };
    return [...frames, frame(isCut ? "response.incomplete" : "response.completed", { response: end })];
  },
  errorFrame: (type, message) => sse({ type: "error", sequence_number: 9, code: type, message, param: null }, "error"),
  refusal: (status, message) => ({ error: { message, type: "error", param: null, code: String(status) } }),
};

const ANTHROPIC_ERRORS: Record<number, string> = {
  401: "authentication_error",
  402: "billing_error",
  429: "rate_limit_error",
  529: "overloaded_error",
};

/** `POST /v1/messages` (Anthropic, API reference, "Streaming messages"). */
const messages: Wire = {
  contentType: "text/event-stream",
  closing: 2,
  frames(said, model) {
    const frame = (type: string, fields: object) => sse({ type, ...fields }, type);
    let index = 0;
    const block = (content_block: object, deltas: object[]) => {
      const at = { index: index++ };
      return [
        frame("content_block_start", { ...at, content_block }),
        ...deltas.map((delta) => frame("content_block_delta", { ...at, delta })),
        frame("content_block_stop", at),
      ];
    };
    const usage = {
      input_tokens: USED.input - USED.cached,
      cache_read_input_tokens: USED.cached,
      cache_creation_input_tokens: 0,
      output_tokens: 1,
    };
    const message = {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage,
    };
    const thoughts = words(said.thinking).map((thinking) => ({ type: "thinking_delta", thinking }));
    const stop_reason = said.calls ? "tool_use" : said.stop === "length" ? "max_tokens" : "end_turn";
    return [
      frame("message_start", { message }),
      frame("ping", {}),
      ...(said.thinking === undefined
        ? []
        : block({ type: "thinking", thinking: "", signature: "" }, [
            ...thoughts,
            { type: "signature_delta", signature: SEAL },
          ])),
      ...(said.text === undefined
        ? []
        : block(
            { type: "text", text: "" },
            words(said.text).map((text) => ({ type: "text_delta", text })),
          )),
      ...(said.calls ?? []).flatMap(({ id, name, args }) =>
        block({ type: "tool_use", id, name, input: {} }, [{ type: "input_json_delta", partial_json: args }]),
      ),
      frame("message_delta", { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: USED.output } }),
      frame("message_stop", {}),
    ];
  },
  errorFrame: (type, message) => sse({ type: "error", error: { type, message } }, "error"),
  refusal: (status, message) => ({ type: "error", error: { type: ANTHROPIC_ERRORS[status] ?? "api_error", message } }),
};

const GOOGLE_STATUS: Record<number, string> = { 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE" };

/** `POST /v1beta/models/ID:streamGenerateContent?alt=sse` (Gemini API reference). Arguments come as an object. */
const gemini: Wire = {
  contentType: "text/event-stream",
  closing: 1,
  frames(said, model) {
    const chunk = (parts: object[], more: object = {}, top: object = {}) =>
      sse({
        candidates: [{ index: 0, content: { role: "model", parts }, ...more }],
        modelVersion: model,
        responseId: "r1",
        ...top,
      });
    const calls = (said.calls ?? []).map(({ id, name, args }) =>
      chunk([{ functionCall: { id, name, args: JSON.parse(args) }, thoughtSignature: SEAL }]),
    );
    const usageMetadata = {
      promptTokenCount: USED.input,
      cachedContentTokenCount: USED.cached,
      candidatesTokenCount: USED.output - 2,
      thoughtsTokenCount: 2,
      totalTokenCount: USED.input + USED.output,
    };
    return [
      ...words(said.thinking).map((text) => chunk([{ text, thought: true }])),
      ...words(said.text).map((text) => chunk([{ text }])),
      ...calls,
      chunk([{ text: "" }], { finishReason: said.stop === "length" ? "MAX_TOKENS" : "STOP" }, { usageMetadata }),
    ];
  },
  errorFrame: (type, message) => sse({ error: { code: 503, status: type.toUpperCase(), message } }),
  refusal: (status, message) => ({ error: { code: status, message, status: GOOGLE_STATUS[status] ?? "INTERNAL" } }),
};

/** `POST /api/chat` (Ollama, API documentation). Arguments come as an object, calls without an id. */
const ollama: Wire = {
  contentType: "application/x-ndjson",
  closing: 1,
  frames(said, model) {
    const line = (fields: object) => `${JSON.stringify({ model, created_at: "2026-01-01T00:00:00Z", ...fields })}\n`;
    const message = (fields: object) => line({ message: { role: "assistant", content: "", ...fields }, done: false });
    const calls = (said.calls ?? []).map(({ name, args }) => ({ function: { name, arguments: JSON.parse(args) } }));
    return [
      ...words(said.thinking).map((thinking) => message({ thinking })),
      ...words(said.text).map((content) => message({ content })),
      ...(calls.length > 0 ? [message({ tool_calls: calls })] : []),
      line({
        message: { role: "assistant", content: "" },
        done: true,
        done_reason: said.stop ?? "stop",
        prompt_eval_count: USED.input,
        eval_count: USED.output,
      }),
    ];
  },
  errorFrame: (type, message) => `${JSON.stringify({ error: `${type}: ${message}` })}\n`,
  refusal: (_status, message) => ({ error: message }),
};

/** By upstream's names of the APIs. */
export const WIRES = {
  "openai-completions": completions,
  "openai-responses": responses,
  "anthropic-messages": messages,
  "google-generative-ai": gemini,
  ollama,
} as const satisfies Record<string, Wire>;

export type Api = keyof typeof WIRES;
export const APIS = Object.keys(WIRES) as Api[];
