import { expect, test } from "bun:test";
import { LIMITS } from "../../generated/limits.ts";
import { createSession } from "./create.ts";
import { deleteSession, resetSession } from "./lifecycle.ts";
import { searchSessions, searchTranscripts } from "./search.ts";
import type { Sessions } from "./sessions.ts";
import { snippetOf } from "./snippet.ts";
import { ADMIN, refusal, testSessions } from "./testing.ts";
import type { TranscriptMessage } from "./types.ts";

const user = (content: TranscriptMessage["content"]): TranscriptMessage => ({ role: "user", content, timestamp: 1 });
const answer = (text: string): TranscriptMessage => ({
  role: "assistant",
  content: [
    { type: "thinking", thinking: "secretthought" },
    { type: "text", text },
  ],
  timestamp: 1,
});

async function say(sessions: Sessions, name: string, ...messages: TranscriptMessage[]): Promise<string[]> {
  return (await sessions.append(`agent:main:${name}`, messages)).map(({ id }) => id);
}

const found = async (sessions: Sessions, query: string, more: object = {}) =>
  (await searchTranscripts(sessions, { query, ...more })).results.map(({ snippet }) => snippet);

test("a hit tells where it was said, by whom, when and with which words", async () => {
  const { sessions, clock } = testSessions();
  const [id] = await say(sessions, "a", user("what about giraffes?"));
  const { results } = await searchSessions(sessions, { query: "GIRAFFES" });
  const { sessionId } = (await sessions.find("agent:main:a"))!;
  expect(results).toEqual([
    {
      sessionKey: "agent:main:a",
      sessionId,
      messageId: id!,
      role: "user",
      timestamp: clock.now(),
      snippet: "what about giraffes?",
      score: expect.any(Number),
    },
  ]);
  expect(results[0]!.score).toBeGreaterThan(0);
});

test("all words must occur, whole, in any order, case and accent; signs are no syntax", async () => {
  const { sessions } = testSessions();
  await say(sessions, "a", user("Crème brûlée for two"), answer("one crème please"));
  expect(await found(sessions, "two BRULEE creme")).toEqual(["Crème brûlée for two"]);
  expect((await found(sessions, "creme")).length).toBe(2);
  for (const query of [
    "brul",
    "brul*",
    "creme OR nothing",
    "NOT two",
    "-two AND x",
    "text:creme",
    '"',
    "(((",
    "NEAR(a b)",
  ]) {
    expect([query, await found(sessions, query)]).toEqual([query, []]);
  }
  expect(await found(sessions, '"brulee" for')).toEqual(["Crème brûlée for two"]);
  expect(await refusal(() => searchSessions(sessions, { query: "  " }))).toEqual({
    message: "query must not be empty",
  });
});

test("only what was said is searched: no thoughts, tool results, pictures", async () => {
  const { sessions } = testSessions();
  await say(sessions, "a", answer("visible"), { role: "toolResult", content: "fromtool", timestamp: 1 });
  await say(sessions, "a", user([{ type: "image", data: "aW1hZ2U", mimeType: "image/png" }]));
  for (const word of ["secretthought", "fromtool", "aW1hZ2U", "image"]) expect(await found(sessions, word)).toEqual([]);
  expect(await found(sessions, "visible")).toEqual(["visible"]);
});

test("what was said before a reset is found, what was deleted is not", async () => {
  const { sessions } = testSessions();
  for (const key of ["a", "b", "c"]) await createSession(sessions, { key }, ADMIN);
  await say(sessions, "a", user("zebra one"));
  await say(sessions, "b", user("zebra two"));
  await say(sessions, "c", user("zebra three"));
  await resetSession(sessions, { key: "a" });
  await deleteSession(sessions, { key: "b" });
  await deleteSession(sessions, { key: "c", deleteTranscript: false });
  expect(await found(sessions, "zebra")).toEqual(["zebra one"]);
});

test("a search may be limited to sessions and to an agent", async () => {
  const { sessions } = testSessions({ config: { agents: { list: [{ id: "main", default: true }, { id: "work" }] } } });
  await say(sessions, "a", user("zebra one"));
  await say(sessions, "b", user("zebra two"));
  await sessions.append("agent:work:a", [user("zebra at work")]);
  expect(await found(sessions, "zebra", { sessionKeys: ["b", "agent:main:none"] })).toEqual(["zebra two"]);
  expect(await found(sessions, "zebra", { agentId: "work" })).toEqual(["zebra at work"]);
  expect(await found(sessions, "zebra", { agentId: "ghost" })).toEqual([]);
  expect((await found(sessions, "zebra")).length).toBe(3);
  const other = { query: "zebra", agentId: "work", sessionKeys: ["agent:main:a"] };
  expect(await refusal(() => searchSessions(sessions, other))).toEqual({
    message: 'agent "work" does not match session key agent "main"',
  });
});

test("a client that names an agent names sessions too, blank words come first", async () => {
  const { sessions } = testSessions();
  await say(sessions, "a", user("zebra one"));
  const asked = (params: object) => refusal(() => searchSessions(sessions, { query: "zebra", ...params }));
  expect(await asked({ agentId: "Main" })).toEqual({ message: "agentId requires sessionKeys" });
  expect(await asked({ agentId: "  " })).toEqual({ message: 'Unknown agent id "  "' });
  expect(await asked({ agentId: "main", query: " " })).toEqual({ message: "query must not be empty" });
  const inSessions = { query: "zebra", agentId: "main", sessionKeys: ["a"] };
  expect((await searchSessions(sessions, inSessions)).results.length).toBe(1);
  expect(await searchSessions(sessions, { query: "zebra", agentId: "ghost" })).toEqual({ results: [] });
});

test("there are at most so many hits, and it is told that there are more", async () => {
  const { sessions, clock } = testSessions();
  for (let n = 0; n < 12; n++) {
    clock.advance(1);
    await say(sessions, `s${n}`, user(`zebra ${n}`));
  }
  const few = await searchSessions(sessions, { query: "zebra", limit: 2 });
  expect(few).toMatchObject({ results: [{ snippet: "zebra 11" }, { snippet: "zebra 10" }], truncated: true });
  expect((await searchSessions(sessions, { query: "zebra 3" })).truncated).toBeUndefined();
  expect(LIMITS.searchWeighed).toBeGreaterThan(25);
});

test("a long text is cut around the words that were looked for", () => {
  const words = Array.from({ length: 200 }, (_, n) => `w${n}`);
  words[100] = "Brûlée";
  const snippet = snippetOf(words.join(" "), ["brulee"]);
  expect(snippet).toStartWith(" … w");
  expect(snippet).toEndWith(" … ");
  expect(snippet).toContain("Brûlée");
  expect(snippet.match(/w\d+/g)!.length).toBe(47);
  expect(snippetOf(words.slice(0, 40).join(" "), ["w3"])).toBe(words.slice(0, 40).join(" "));
  expect(snippetOf(words.join(" "), ["w1"])).toBe(`${words.slice(0, 48).join(" ")} … `);
  expect(snippetOf(words.join(" "), ["w199"])).toBe(` … ${words.slice(-48).join(" ")}`);
});
