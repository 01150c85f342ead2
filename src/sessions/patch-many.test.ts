import { expect, test } from "bun:test";
import { createSession } from "./create.ts";
import { patchSessions } from "./patch-many.ts";
import { ADMIN, refusal, testSessions } from "./testing.ts";

test("each session has its outcome; one that is refused does not hinder the others", async () => {
  const { sessions } = testSessions();
  for (const key of ["a", "b"]) await createSession(sessions, { key }, ADMIN);
  const { outcomes } = await patchSessions(sessions, {
    targets: [{ key: "a", expectedSessionId: "another" }, { key: "agent:bad key:" }, { key: "b", agentId: "main" }],
    patch: { label: "Same" },
  });
  expect(outcomes).toEqual([
    {
      ok: false,
      key: "a",
      error: {
        code: "INVALID_REQUEST",
        message: "Session a changed before patch. Retry.",
        details: { reason: "session-changed" },
      },
    },
    {
      ok: false,
      key: "agent:bad key:",
      error: { code: "INVALID_REQUEST", message: 'malformed session key "agent:bad key:"' },
    },
    { ok: true, key: "b", agentId: "main" },
  ]);
  expect((await sessions.repository.find("agent:main:b"))!.entry.label).toBe("Same");
});

test("no session may be named twice, under whatever form of its key", async () => {
  const { sessions } = testSessions();
  const twice = { targets: [{ key: "a" }, { key: "agent:main:A" }], patch: { pinned: true } };
  expect(await refusal(() => patchSessions(sessions, twice))).toEqual({ message: "Duplicate target." });
  expect(await sessions.find("agent:main:a")).toBeNull();
});
