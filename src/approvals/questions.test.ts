import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestGateway, type TestGateway } from "../gateway/testing.ts";
import { ManualClock } from "../platform/clock.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
async function start(...options: Parameters<typeof startTestGateway>): Promise<TestGateway> {
  const gateway = await startTestGateway(...options);
  ends.push(() => gateway.stop());
  return gateway;
}

type Client = Awaited<ReturnType<TestGateway["connect"]>>;
const QUESTION = { questionId: "one", header: "Head", question: "Which?", options: [{ label: "A" }, { label: "B" }] };
const ask = (client: Client, id: string, question: object = {}, more: object = {}) =>
  client.request("question.request", { id, questions: [{ ...QUESTION, ...question }], ...more });
const answer = (client: Client, id: string, one: string[], more: object = {}) =>
  client.request("question.resolve", { id, answers: { answers: { one, ...more } } });

describe("a question", () => {
  test("is asked, shown, waited for and answered", async () => {
    const clock = new ManualClock();
    const gateway = await start({ clock });
    const agent = await gateway.connect();
    const person = await gateway.connect({ scopes: ["operator.questions"] });
    const stranger = await gateway.connect({ scopes: ["operator.write", "operator.approvals"] });
    const times = { createdAtMs: clock.now(), expiresAtMs: clock.now() + 900_000 };
    const { payload } = await ask(agent, "q-1", {}, { agentId: "main", sessionKey: "main", runId: "r" });
    expect(payload).toEqual({ id: "q-1", expiresAtMs: times.expiresAtMs });
    const record = {
      id: "q-1",
      questions: [QUESTION],
      agentId: "main",
      sessionKey: "agent:main:main",
      runId: "r",
      ...times,
      status: "pending",
    };
    expect((await person.event("question.requested", () => true, 0)).payload).toEqual(record);
    expect(await person.call("question.list")).toEqual({ questions: [record] });
    const waiting = agent.call("question.waitAnswer", { id: "q-1" });
    const resolve = { id: "q-1", answers: { answers: { one: [" A "] } }, resolvedBy: "me" };
    const answered = { status: "answered", answers: { answers: { one: ["A"] } } };
    expect(await person.call("question.resolve", resolve)).toEqual(answered);
    expect(await waiting).toEqual(answered);
    expect((await agent.event("question.resolved", () => true, 0)).payload).toEqual({ id: "q-1", ...answered });
    expect(await agent.call("question.get", { id: "q-1" })).toEqual({
      question: { ...record, ...answered, resolvedBy: "me" },
    });
    expect(await person.call("question.list")).toEqual({ questions: [] });
    await stranger.call("health");
    expect(stranger.events().filter(({ event }) => event?.startsWith("question"))).toEqual([]);
    expect((await stranger.request("question.list")).error.details.missingScope).toBe("operator.questions");
  });

  test("of two answers the first one counts, and nothing comes after the end", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    await ask(client, "q-1");
    const [first, second] = await Promise.all([answer(client, "q-1", ["A"]), answer(client, "q-1", ["B"])]);
    expect([first!.ok, second!.ok]).toEqual([true, false]);
    expect(second!.error).toMatchObject({
      message: "question 'q-1' is already answered",
      details: { reason: "QUESTION_ALREADY_TERMINAL" },
    });
    expect((await client.request("question.resolve", { id: "q-1", cancel: true })).ok).toBe(false);
    expect((await ask(client, "q-1")).error.details.reason).toBe("QUESTION_ID_IN_USE");
  });

  test("is cancelled, and expires", async () => {
    const clock = new ManualClock();
    const gateway = await start({ clock });
    const client = await gateway.connect();
    await ask(client, "q-1");
    const cancelled = client.call("question.waitAnswer", { id: "q-1" });
    expect(await client.call("question.resolve", { id: "q-1", cancel: true })).toEqual({ status: "cancelled" });
    expect(await cancelled).toEqual({ status: "cancelled" });
    await ask(client, "q-2", {}, { timeoutMs: 1000 });
    const expired = client.call("question.waitAnswer", { id: "q-2" });
    expect(await client.call("question.waitAnswer", { id: "q-2", timeoutMs: 1 })).toEqual({ status: "pending" });
    clock.advance(1000);
    expect((await answer(client, "q-2", ["A"])).error.message).toBe("question 'q-2' is already expired");
    expect(await expired).toEqual({ status: "expired" });
    expect((await client.call("question.get", { id: "q-2" })).question.status).toBe("expired");
  });

  test("waits over a restart", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "chela-questions-"));
    ends.push(() => rmSync(stateDir, { recursive: true, force: true }));
    const clock = new ManualClock();
    const before = await start({ stateDir, clock });
    const client = await before.connect();
    await ask(client, "short", {}, { timeoutMs: 1000 });
    await ask(client, "long");
    await before.stop();
    clock.advance(1000);
    const after = await start({ stateDir, clock });
    const again = await after.connect();
    expect(await again.call("question.waitAnswer", { id: "short" })).toEqual({ status: "expired" });
    expect((await answer(again, "long", ["B"])).ok).toBe(true);
  });
});

describe("what is refused", () => {
  const answers: [name: string, question: object, given: string[], more: object, message: string | null][] = [
    ["no answer", {}, [], {}, "question 'one' requires an answer"],
    ["several", {}, ["A", "B"], {}, "question 'one' does not allow multiple answers"],
    ["several where that is fine", { multiSelect: true }, ["A", "B"], {}, null],
    ["an unknown option", {}, ["C"], {}, "question 'one' contains an unknown option"],
    ["one of several unknown", { multiSelect: true }, ["A", "C"], {}, "question 'one' contains an unknown option"],
    ["other text where that is fine", { isOther: true }, ["C"], {}, null],
    ["free text where there are no options", { options: [] }, ["anything"], {}, null],
    ["a blank", { options: [] }, [" "], {}, "question 'one' contains an empty answer"],
    ["another question", {}, ["A"], { two: ["A"] }, "question 'two' is not part of this request"],
    ["the name of a method", {}, ["A"], { constructor: ["A"] }, "question 'constructor' is not part"],
  ];
  for (const [name, question, given, more, message] of answers) {
    test(`as an answer: ${name}`, async () => {
      const gateway = await start();
      const client = await gateway.connect();
      await ask(client, "q-1", question);
      const { ok, error } = await answer(client, "q-1", given, more);
      if (message === null) expect(ok).toBe(true);
      else {
        expect(error.message).toContain(message);
        expect(error.details).toEqual({ reason: "QUESTION_INVALID_ANSWER" });
      }
    });
  }

  const questions: [name: string, question: object, more: object, message: string][] = [
    ["one option", { options: [{ label: "A" }] }, {}, "question 'one' must have either no options or 2 to 4 options"],
    ["the same option twice", { options: [{ label: "A" }, { label: "A" }] }, {}, "duplicate option label 'A'"],
    ["a secret", { isSecret: true }, {}, "question 'one': secret questions are not supported yet"],
    ["a secret for the store", { secretStore: { name: "X", kind: "secret" } }, {}, "require trusted agent runtime"],
    ["an unknown agent", {}, { agentId: "nobody", sessionKey: "main" }, 'Unknown agent id "nobody"'],
    ["too much text", { question: "x".repeat(70_000) }, {}, "question is too large"],
  ];
  for (const [name, question, more, message] of questions) {
    test(`as a question: ${name}`, async () => {
      const gateway = await start();
      const client = await gateway.connect();
      const { error } = await ask(client, "q-1", question, more);
      expect(error).toMatchObject({ code: "INVALID_REQUEST", message: expect.stringContaining(message) });
    });
  }

  test("the same question twice, and unknown ids", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    const { error } = await client.request("question.request", { questions: [QUESTION, QUESTION] });
    expect(error.message).toBe("duplicate question id 'one'");
    for (const [method, params] of [
      ["question.get", {}],
      ["question.waitAnswer", {}],
      ["question.resolve", { cancel: true }],
    ] as const) {
      expect((await client.request(method, { id: "none", ...params })).error).toMatchObject({
        message: "question 'none' was not found",
        details: { reason: "QUESTION_NOT_FOUND" },
      });
    }
  });
});
