import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startTestGateway, type TestClient, type TestGateway } from "../../gateway/testing.ts";
import { type ModelCall, type ModelServer, startModelServer } from "../../parity/model-server.ts";
import type { StoredMessage } from "../../sessions/types.ts";
import { textOf } from "../runs/types.ts";
import { chatEnd, freshKey, mockProvider } from "../testing/chat-gateway.ts";

const WINDOW = 12_000;
const SUMMARY_REQUEST = "Write the summary now.";

let model: ModelServer;
let gateway: TestGateway;
let client: TestClient;
beforeAll(async () => {
  model = startModelServer({ remember: 2000 });
  const config = mockProvider(model.baseUrl, {
    agents: { defaults: { model: { primary: "mock/mock-1" }, skipBootstrap: true } },
  });
  const [small] = (config.models as never as { providers: { mock: { models: object[] } } }).providers.mock.models;
  Object.assign(small!, { contextWindow: WINDOW, maxTokens: 1000 });
  gateway = await startTestGateway({ config });
  client = await gateway.connect();
});
afterAll(async () => {
  await gateway.stop();
  await model.close();
});

const FILLER = "some words to fill the context with ".repeat(12);

async function turn(sessionKey: string, n: number, runId: string): Promise<void> {
  await client.call("chat.send", { sessionKey, message: `turn ${n} ${FILLER}`, idempotencyKey: runId });
  expect((await chatEnd(client, runId)).payload.state).toBe("final");
}

type Sent = { role: string; content: string | { text?: string }[] };
const sentTo = (call: ModelCall): Sent[] => call.body.messages as unknown as Sent[];
const textIn = ({ content }: Sent): string =>
  typeof content === "string" ? content : content.map(({ text = "" }) => text).join("");
const isSummary = (call: ModelCall): boolean => textIn(sentTo(call).at(-1)!).endsWith(SUMMARY_REQUEST);
/** Numbers of the turns that a request tells of as they were said, and as they were answered. */
const turnsIn = (call: ModelCall): number[] =>
  sentTo(call)
    .filter(({ role }) => role === "user")
    .flatMap((message) => /^turn (\d+) /.exec(textIn(message))?.slice(1).map(Number) ?? []);
const said = (stored: readonly StoredMessage[], role: string): string[] =>
  stored.filter((message) => message.role === role).map(({ content }) => textOf(content).split(" some", 1)[0]!);

describe("a conversation longer than its model takes", () => {
  test("of 200 turns is summed up as it grows, and loses and reorders no message", async () => {
    const { sessionKey, id } = freshKey();
    const before = model.calls.length;
    for (let n = 1; n <= 200; n++) await turn(sessionKey, n, id(`t${n}`));
    const calls = model.calls.slice(before);
    const { entry } = (await gateway.services.sessions.repository.find(sessionKey))!;
    expect(entry.compactionCount).toBeGreaterThanOrEqual(3);
    expect(calls.filter(isSummary).length).toBeGreaterThanOrEqual(entry.compactionCount!);
    for (const call of calls) {
      // Four characters are a token, as everywhere here; a request leaves room for its answer.
      const characters = sentTo(call).reduce((sum, message) => sum + textIn(message).length, 0);
      expect(characters / 4).toBeLessThan(WINDOW - 1000);
    }
    // What a model is given of the conversation is its end without a gap, the newest turn last.
    const answers = calls.filter((call) => !isSummary(call));
    expect(answers).toHaveLength(200);
    for (const [index, call] of answers.entries()) {
      const turns = turnsIn(call);
      expect(turns.at(-1)).toBe(index + 1);
      expect(turns).toEqual(turns.map((_, at) => index + 2 - turns.length + at));
    }
    // What no request shows any more has been in a summary's request.
    const summed = calls
      .filter(isSummary)
      .flatMap((call) => [...textIn(sentTo(call).at(-1)!).matchAll(/turn (\d+) some/g)]);
    const gone = turnsIn(answers.at(-1)!)[0]! - 1;
    const named = new Set(summed.map(([, n]) => Number(n)));
    expect(Array.from({ length: gone }, (_, at) => at + 1).filter((n) => !named.has(n))).toEqual([]);
    const stored: StoredMessage[] = await everything(sessionKey);
    const expected = Array.from({ length: 200 }, (_, at) => `turn ${at + 1}`);
    expect(said(stored, "user")).toEqual(expected);
    expect(said(stored, "assistant")).toEqual(expected.map((text) => `echo: ${text}`));
  }, 120_000);

  test("takes a message that comes while it is summed up, once and in its place", async () => {
    const { sessionKey, id } = freshKey();
    let n = 0;
    let during: string | undefined;
    const frames = client.frames.length;
    while (during === undefined && n < 60) {
      const runId = id(`t${++n}`);
      const ended = turn(sessionKey, n, runId);
      const begun = () =>
        client.frames.slice(frames).some(({ event, payload }) => {
          return event === "agent" && payload.stream === "compaction" && payload.runId === runId;
        });
      while (!begun() && !client.frames.some(({ payload }) => payload?.runId === runId && payload.state === "final")) {
        await Bun.sleep(0);
      }
      if (begun()) {
        during = id("during");
        await client.call("chat.send", { sessionKey, message: "meanwhile", idempotencyKey: during });
      }
      await ended;
    }
    expect(during).toBeDefined();
    expect(await client.call("agent.wait", { runId: during!, timeoutMs: 10_000 })).toMatchObject({ status: "ok" });
    const stored = await everything(sessionKey);
    expect(said(stored, "user").filter((text) => text === "meanwhile")).toHaveLength(1);
    expect(said(stored, "assistant").at(-1)).toBe("echo: meanwhile");
  }, 60_000);

  test("is summed up and asked again when the provider says that it is too long", async () => {
    const { sessionKey, id } = freshKey();
    for (let n = 1; n <= 3; n++) await turn(sessionKey, n, id(`t${n}`));
    const message = "FAIL:400 this model's maximum context length is 10 tokens";
    const calls = model.calls.length;
    await client.call("chat.send", { sessionKey, message, idempotencyKey: id("long") });
    // The model of this test says the same again: the run fails after one more try, and does not go round for ever.
    expect((await chatEnd(client, id("long"))).payload.state).toBe("error");
    const kinds = model.calls.slice(calls).map((call) => (isSummary(call) ? "summary" : "answer"));
    // The summary is written stretch by stretch.
    expect(kinds.filter((kind, at) => kind !== kinds[at - 1])).toEqual(["answer", "summary", "answer"]);
    expect((await gateway.services.sessions.repository.find(sessionKey))!.entry.compactionCount).toBe(1);
  });
});

/** The whole transcript, summed up or not. */
async function everything(sessionKey: string): Promise<StoredMessage[]> {
  const { messages } = await client.call("chat.history", { sessionKey, limit: 1000 });
  return messages.filter(({ role }: { role: string }) => role !== "system");
}
