import type { LanguageCall, LanguageModel, OpenDialect, StreamPart } from "../dialect.ts";
import { ndjson } from "./ndjson.ts";
import { ollamaMessages } from "./ollama-messages.ts";

/** One line of Ollama's answer (its API documentation, "Generate a chat completion"). */
interface OllamaChunk {
  message?: {
    content?: string;
    thinking?: string;
    tool_calls?: { function?: { name?: string; arguments?: unknown } }[];
  };
  done?: boolean;
  done_reason?: string;
  prompt_eval_count?: number;
  eval_count?: number;
  error?: string;
}

/** Settings that Ollama takes in `options`, and those at the top of a request (docs: providers/ollama/advanced). */
const OPTIONS = [
  ...["num_ctx", "num_keep", "seed", "num_predict", "top_k", "top_p", "min_p", "typical_p", "repeat_last_n"],
  ...["temperature", "repeat_penalty", "presence_penalty", "frequency_penalty", "stop", "num_batch", "num_gpu"],
  ...["main_gpu", "use_mmap", "num_thread"],
];
const TOP_LEVEL = ["format", "keep_alive", "truncate", "shift"];

/** Ollama's own API, `/api/chat`. Its OpenAI-compatible one loses tool calls and the size of the context. */
export const openOllama: OpenDialect = (entry, { baseUrl, key, headers, extraBody, params = {} }, send) => {
  const picked = (names: readonly string[]) =>
    Object.fromEntries(names.flatMap((name) => (params[name] === undefined ? [] : [[name, params[name]]])));
  const doStream = async (call: LanguageCall): Promise<{ stream: ReadableStream<StreamPart> }> => {
    const { maxOutputTokens, temperature, abortSignal } = call;
    const thinks = thinkOf(call, params);
    const body = {
      model: entry.id,
      messages: ollamaMessages(call.prompt),
      stream: true,
      ...(call.tools?.length ? { tools: call.tools.flatMap(toolOf) } : {}),
      ...(entry.reasoning && thinks !== undefined ? { think: thinks } : {}),
      ...picked(TOP_LEVEL),
      options: {
        ...(entry.contextTokens ? { num_ctx: entry.contextTokens } : {}),
        ...(maxOutputTokens ? { num_predict: maxOutputTokens } : {}),
        ...picked(OPTIONS),
        ...(temperature === undefined ? {} : { temperature }),
      },
      ...extraBody,
    };
    const response = await send(`${baseUrl.replace(/\/v1$/, "")}/api/chat`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...headers,
      },
      body: JSON.stringify(body),
      signal: abortSignal,
    });
    if (!response.ok) throw await refusal(response);
    return { stream: partsOf(ndjson<OllamaChunk>(response.body)) };
  };
  return { doStream } as LanguageModel;
};

/** Whether it thinks, and how much: some models take a level, the others any truth. Undefined leaves it to the model. */
function thinkOf({ reasoning }: LanguageCall, params: Record<string, unknown>): boolean | string | undefined {
  const set = params.think ?? params.thinking;
  if (typeof set === "boolean" || typeof set === "string") return set;
  if (reasoning === undefined || reasoning === "provider-default") return undefined;
  if (reasoning === "none") return false;
  return reasoning === "minimal" ? "low" : reasoning === "xhigh" || reasoning === "max" ? "high" : reasoning;
}

const toolOf = (tool: NonNullable<LanguageCall["tools"]>[number]) =>
  tool.type === "function"
    ? [
        {
          type: "function",
          function: { name: tool.name, description: tool.description, parameters: tool.inputSchema },
        },
      ]
    : [];

/** An error answer in the shape that the library's own errors have. */
async function refusal(response: Response): Promise<object> {
  return Object.assign(new Error(`HTTP ${response.status}`), {
    statusCode: response.status,
    responseBody: await response.text(),
    responseHeaders: Object.fromEntries(response.headers),
  });
}

/** The lines as parts of the provider library's stream. Ollama names no call ids; they are made here. */
function partsOf(lines: AsyncGenerator<OllamaChunk>): ReadableStream<StreamPart> {
  const waiting: StreamPart[] = [];
  let called = false;
  return new ReadableStream<StreamPart>({
    async pull(controller) {
      while (waiting.length === 0) {
        const { done, value: chunk } = await lines.next();
        if (done) {
          controller.close();
          return;
        }
        if (typeof chunk.error === "string") waiting.push({ type: "error", error: new Error(chunk.error) });
        const { thinking, content, tool_calls: calls } = chunk.message ?? {};
        if (thinking) waiting.push({ type: "reasoning-delta", id: "thinking", delta: thinking });
        if (content) waiting.push({ type: "text-delta", id: "text", delta: content });
        for (const { function: call } of calls ?? []) {
          called = true;
          const input = typeof call?.arguments === "string" ? call.arguments : JSON.stringify(call?.arguments ?? {});
          const toolCallId = `call_${crypto.randomUUID()}`;
          waiting.push({ type: "tool-call", toolCallId, toolName: call?.name ?? "", input });
        }
        if (chunk.done) waiting.push(finishOf(chunk, called));
      }
      for (const part of waiting.splice(0)) controller.enqueue(part);
    },
    async cancel() {
      await lines.return(undefined);
    },
  });
}

function finishOf(chunk: OllamaChunk, called: boolean): StreamPart {
  const reason = chunk.done_reason ?? "stop";
  const [input, output] = [chunk.prompt_eval_count ?? 0, chunk.eval_count ?? 0];
  return {
    type: "finish",
    finishReason: { unified: reason === "length" ? "length" : called ? "tool-calls" : "stop", raw: reason },
    usage: {
      inputTokens: { total: input, noCache: input, cacheRead: undefined, cacheWrite: undefined },
      outputTokens: { total: output, text: undefined, reasoning: undefined },
    },
  };
}
