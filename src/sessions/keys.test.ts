import { describe, expect, test } from "bun:test";
import { readRoster } from "../agents/roster.ts";
import { canonicalKey, keyFacts } from "./keys.ts";

const roster = (config: object = {}) => readRoster(config, "/state");
const ONE = roster();
const TWO = roster({ agents: { entries: { main: {}, ops: {} } } });

test.each([
  ["main", "agent:main:main"],
  [" MAIN ", "agent:main:main"],
  ["agent:MAIN:Main", "agent:main:main"],
  ["Foo Bar", "agent:main:foo bar"],
  ["agent", "agent:main:agent"],
  ["telegram:direct:123", "agent:main:telegram:direct:123"],
  ["agent:main:Telegram:group:ABC", "agent:main:telegram:group:abc"],
  ["agent:ghost:foo", "agent:ghost:foo"],
  ["agent:agent:main:foo", "agent:agent:main:foo"],
  ["global", "global"],
  ["unknown", "unknown"],
  ["agent:main:global", "agent:main:global"],
])("%j means %j", (key, canonical) => {
  expect(canonicalKey(key, ONE)).toBe(canonical);
});

test.each(["agent:", "agent:main", "agent:main:", "agent::x", "a\u0000b"])("%j is malformed", (key) => {
  expect(() => canonicalKey(key, ONE)).toThrow(`malformed session key "${key}"`);
});

describe("the agent beside a key", () => {
  test("owns a key that names none", () => {
    expect(canonicalKey("foo", ONE, "Main")).toBe("agent:main:foo");
    expect(canonicalKey("main", TWO, "ops")).toBe("agent:ops:main");
  });

  test("must exist and agree with the key", () => {
    expect(() => canonicalKey("foo", ONE, "ghost")).toThrow('Unknown agent id "ghost"');
    expect(() => canonicalKey("agent:ghost:x", ONE, "main")).toThrow(
      'agent "main" does not match session key agent "ghost"',
    );
  });

  test("is needed where several agents have equal rights", () => {
    expect(() => canonicalKey("foo", TWO)).toThrow('session key "foo" has no explicit owner');
    expect(canonicalKey("agent:ops:foo", TWO)).toBe("agent:ops:foo");
  });
});

test("main follows session.mainKey and session.scope", () => {
  const work = roster({ session: { mainKey: "Work" } });
  expect(canonicalKey("main", work)).toBe("agent:main:work");
  expect(canonicalKey("work", work)).toBe("agent:main:work");
  expect(canonicalKey("agent:main:main", work)).toBe("agent:main:work");
  expect(keyFacts("agent:main:work", work)).toMatchObject({ isMain: true, classification: "main" });
  expect(canonicalKey("main", roster({ session: { scope: "global" } }))).toBe("global");
});

test.each([
  ["agent:main:main", "direct", "main", false],
  ["agent:main:foo", "direct", "custom", false],
  ["agent:main:dashboard:1", "direct", "dashboard", false],
  ["agent:main:cron:1", "direct", "cron", true],
  ["agent:main:subagent:1", "direct", "subagent", true],
  ["agent:main:acp:1", "direct", "acp", true],
  ["agent:main:hook:1", "direct", "hook", true],
  ["agent:main:x:thread:1", "direct", "thread", false],
  ["agent:main:telegram:direct:1", "direct", "direct", false],
  ["agent:main:telegram:group:1", "group", "group", false],
  ["agent:main:slack:channel:1", "group", "channel", false],
  ["global", "global", "global", false],
  ["unknown", "unknown", "unknown", false],
] as const)("%j is a %s session of class %s", (key, kind, classification, isBackground) => {
  expect(keyFacts(key, ONE)).toMatchObject({ kind, classification, isBackground });
});

test("a group's key names its channel and peer", () => {
  expect(keyFacts("agent:ops:telegram:group:-100:7", TWO)).toMatchObject({
    agentId: "ops",
    channel: "telegram",
    peerKind: "group",
    peerId: "-100:7",
  });
});
