import { expect, test } from "bun:test";
import { LIMITS } from "../../generated/limits.ts";
import { resetSession } from "./lifecycle.ts";
import { getMessage } from "./message.ts";
import { testSessions } from "./testing.ts";

const KEY = "agent:main:a";

test("a message is found by its id, with all of a text that a page cuts", async () => {
  const { sessions } = testSessions();
  const text = "x".repeat(LIMITS.historyTextChars * 30);
  const [stored] = await sessions.append(KEY, [{ role: "user", content: text, timestamp: 1 }]);
  const found = await getMessage(sessions, { sessionKey: "a", messageId: stored!.id });
  expect(found).toMatchObject({ ok: true, message: { role: "user", content: text, __openclaw: { id: stored!.id } } });
  const cut = await getMessage(sessions, { sessionKey: "a", messageId: stored!.id, maxChars: 3 });
  expect(cut).toMatchObject({ message: { content: "xxx\n...(truncated)...", __openclaw: { truncated: true } } });
});

test("a message from before a reset is still there", async () => {
  const { sessions } = testSessions();
  const [stored] = await sessions.append(KEY, [{ role: "user", content: "old", timestamp: 1 }]);
  await resetSession(sessions, { key: KEY });
  expect(await getMessage(sessions, { sessionKey: KEY, messageId: stored!.id })).toMatchObject({ ok: true });
});

test("what is not there, not meant to be seen or too large is told apart", async () => {
  const { sessions } = testSessions();
  const huge = "y".repeat(LIMITS.historyPageBytes + 1);
  const [silent, large] = await sessions.append(KEY, [
    { role: "assistant", content: [{ type: "text", text: "NO_REPLY" }], timestamp: 1 },
    {
      role: "user",
      content: Array.from({ length: 4 }, () => ({ type: "text" as const, text: huge.slice(0, 1_900_000) })),
      timestamp: 1,
    },
  ]);
  await sessions.append("agent:main:b", [{ role: "user", content: "other session", timestamp: 1 }]);
  const get = (messageId: string, sessionKey = KEY) => getMessage(sessions, { sessionKey, messageId });
  expect(await get("nope")).toEqual({ ok: false, unavailableReason: "not_found" });
  expect(await get(silent!.id, "agent:main:b")).toEqual({ ok: false, unavailableReason: "not_found" });
  expect(await get(silent!.id, "agent:main:nowhere")).toEqual({ ok: false, unavailableReason: "not_found" });
  expect(await get(silent!.id)).toEqual({ ok: false, unavailableReason: "not_visible" });
  expect(await get(large!.id)).toEqual({ ok: false, unavailableReason: "oversized" });
});
