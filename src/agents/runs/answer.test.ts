import { describe, expect, test } from "bun:test";
import {
  ModelError,
  type ModelErrorReason,
  type ModelEvent,
  type ModelsPort,
  type ResolvedModel,
} from "../../models/types.ts";
import { silentLogger } from "../../platform/logger.ts";
import { ZERO_USAGE } from "../injected.ts";
import { type AnswerRequest, answer, type FallbackStep, PartialAnswer } from "./answer.ts";

const model = (id: string): ResolvedModel => ({
  provider: "p",
  id,
  name: id,
  api: "openai-completions",
  baseUrl: "http://127.0.0.1:9",
  reasoning: false,
  input: ["text"],
  contextWindow: 1000,
  maxTokens: 100,
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
});
const failure = (reason: ModelErrorReason, retryAfterMs?: number) =>
  new ModelError(`p: ${reason}`, { provider: "p", model: "a", reason, retryAfterMs });
const finish: ModelEvent = { type: "finish", stopReason: "stop", usage: ZERO_USAGE };
const text = (delta: string): ModelEvent => ({ type: "text", delta });

/** A provider that plays what it is given, one list per call; an error in a list is thrown there. */
function scripted(calls: (ModelEvent | Error | "hang")[][]): { models: ModelsPort; asked: string[] } {
  const asked: string[] = [];
  const models = {
    async *stream({ model: { id } }: { model: ResolvedModel }) {
      asked.push(id);
      for (const event of calls[asked.length - 1] ?? [new Error("asked too often")]) {
        if (event === "hang") await new Promise(() => {});
        else if (event instanceof Error) throw event;
        else yield event as ModelEvent;
      }
    },
  } as unknown as ModelsPort;
  return { models, asked };
}

function ask(calls: Parameters<typeof scripted>[0], over: Partial<AnswerRequest> = {}, left = 40) {
  const { models, asked } = scripted(calls);
  const steps: FallbackStep[] = [];
  const pieces: string[] = [];
  const pauses: number[] = [];
  const request: AnswerRequest = {
    candidates: [model("a"), model("b")],
    system: "",
    messages: [],
    signal: new AbortController().signal,
    mask: () => ({ push: (piece) => piece, end: () => "" }),
    onCall: () => {},
    onText: (piece) => pieces.push(piece),
    onFallback: (step) => steps.push(step),
    ...over,
  };
  const pause = (_attempt: number, retryAfterMs = 0) => {
    pauses.push(retryAfterMs);
    return retryAfterMs;
  };
  return { result: answer({ models, log: silentLogger, pause }, request, { left }), asked, steps, pieces, pauses };
}

describe("an answer", () => {
  test("is put together from its pieces, thoughts apart from text, without space at its ends", async () => {
    const { result, pieces } = ask([
      [
        { type: "thinking", delta: "hm" },
        { type: "thinking", delta: "m", signature: "s" },
        text(" a"),
        text("b \n"),
        finish,
      ],
    ]);
    expect(await result).toMatchObject({
      text: "ab",
      content: [
        { type: "thinking", thinking: "hmm", thinkingSignature: "s" },
        { type: "text", text: "ab" },
      ],
    });
    expect(pieces).toEqual([" a", "b \n"]);
  });

  test("is masked while it streams; what is held back comes at the end", async () => {
    const mask = () => {
      let held = "";
      return {
        push: (piece: string) => {
          held += piece;
          return "";
        },
        end: () => held.replace("secret", "[redacted]"),
      };
    };
    const thought: ModelEvent = { type: "thinking", delta: "the secret", signature: "s" };
    const { result, pieces } = ask([[thought, text("a sec"), text("ret b"), finish]], { mask });
    const { content, ...answered } = await result;
    expect(answered).toMatchObject({ text: "a [redacted] b", raw: "a secret b" });
    expect(content).toEqual([
      { type: "thinking", thinking: "the [redacted]" },
      { type: "text", text: "a [redacted] b" },
    ]);
    expect(pieces).toEqual(["a [redacted] b"]);
  });
});

test("an answer tells its tool calls in their places", async () => {
  const call: ModelEvent = {
    type: "toolCall",
    id: "c1",
    name: "read",
    arguments: { path: "a" },
    thoughtSignature: "s",
  };
  const broken: ModelEvent = { type: "toolCall", id: "c2", name: "read", arguments: {}, invalid: "no JSON" };
  const end: ModelEvent = { type: "finish", stopReason: "toolUse", usage: ZERO_USAGE };
  const { result } = ask([[text("Looking."), call, broken, end]]);
  const { content, calls, stopReason } = await result;
  expect(content).toEqual([
    { type: "text", text: "Looking." },
    { type: "toolCall", id: "c1", name: "read", arguments: { path: "a" }, thoughtSignature: "s" },
    { type: "toolCall", id: "c2", name: "read", arguments: {} },
  ]);
  expect(calls.map(({ id, invalid }) => [id, invalid])).toEqual([
    ["c1", undefined],
    ["c2", "no JSON"],
  ]);
  expect(stopReason).toBe("toolUse");
});

describe("a failure", () => {
  test.each(["rate_limit", "overloaded", "server_error", "unavailable"] as const)(
    "that may pass (%s) is tried again on the same model",
    async (reason) => {
      const { result, asked, steps } = ask([[failure(reason)], [failure(reason)], [text("ok"), finish]]);
      expect((await result).text).toBe("ok");
      expect(asked).toEqual(["a", "a", "a"]);
      expect(steps).toEqual([]);
    },
  );

  test.each(["format", "auth", "billing", "model_not_found", "timeout", "unknown"] as const)(
    "that would repeat itself (%s) goes on to the next model at once",
    async (reason) => {
      const { result, asked, steps } = ask([[failure(reason)], [text("ok"), finish]]);
      expect((await result).model.id).toBe("b");
      expect(asked).toEqual(["a", "b"]);
      expect(steps.map(({ from, next, position }) => [from.id, next?.id, position])).toEqual([["a", "b", 1]]);
    },
  );

  test("of all models is the last one's", async () => {
    const { result, steps } = ask([[failure("format")], [failure("auth")]]);
    await expect(result).rejects.toThrow("p: auth");
    expect(steps.map(({ next }) => next?.id ?? null)).toEqual(["b", null]);
  });

  test("KNOWN_ATTACKS 119: the attempts of one run are counted together", async () => {
    const { result, asked } = ask(Array(20).fill([failure("overloaded")]), {}, 3);
    await expect(result).rejects.toThrow("overloaded");
    expect(asked).toHaveLength(3);
    const endless = ask(Array(20).fill([failure("overloaded")]));
    await expect(endless.result).rejects.toThrow("overloaded");
    expect(endless.asked).toHaveLength(8);
  });

  test("after which the provider asks for minutes is not waited for", async () => {
    const { result, asked } = ask([[failure("rate_limit", 120_000)], [text("ok"), finish]]);
    expect((await result).model.id).toBe("b");
    expect(asked).toEqual(["a", "b"]);
  });

  test("after text has come is not tried again", async () => {
    const { result, asked, steps } = ask([[text("half an"), failure("unavailable")]]);
    const error = await result.catch((thrown) => thrown);
    expect(error).toBeInstanceOf(PartialAnswer);
    expect(error.partial.text).toBe("half an");
    expect(asked).toEqual(["a"]);
    expect(steps).toEqual([]);
  });

  test("that is the caller's wish to stop is the wish itself, also when the provider hangs", async () => {
    const stop = new AbortController();
    const wish = new Error("enough");
    const { result } = ask([[text("a"), "hang"]], { signal: stop.signal });
    setTimeout(() => stop.abort(wish), 5);
    await expect(result).rejects.toBe(wish);
  });

  test("of a run that was stopped before is the wish, and the call's own failure troubles nobody", async () => {
    const wish = new Error("enough");
    const { result } = ask([[failure("unavailable")]], { signal: AbortSignal.abort(wish) });
    await expect(result).rejects.toBe(wish);
    // A rejection that nobody handles would end the process; bun reports it as a failure of this test.
    await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test("does not keep a stopped run waiting for its next attempt", async () => {
    const stop = new AbortController();
    const wish = new Error("enough");
    const { result, asked } = ask([[failure("rate_limit", 20_000)]], { signal: stop.signal, candidates: [model("a")] });
    setTimeout(() => stop.abort(wish), 5);
    await expect(result).rejects.toBe(wish);
    expect(asked).toHaveLength(1);
  });
});
