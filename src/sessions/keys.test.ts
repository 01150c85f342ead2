import { describe, expect, test } from "bun:test";
import { readRoster } from "../agents/roster.ts";
import { canonicalKey, keyFacts, lookupKey, ownableKey } from "./keys.ts";
import { displayName } from "./names.ts";

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

test("a blank key is refused, and that of no session where one is only looked up", () => {
  expect(() => canonicalKey("  ", ONE)).toThrow("key required");
  expect(lookupKey("  ", ONE)).toBe("agent:main:");
  expect(lookupKey("", TWO, "ops")).toBe("agent:ops:");
  expect(lookupKey(" Foo ", ONE)).toBe("agent:main:foo");
  expect(() => lookupKey("", ONE, "ghost")).toThrow('Unknown agent id "ghost"');
  expect(() => lookupKey("agent::x", ONE)).toThrow('malformed session key "agent::x"');
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

test("main is called main whatever session.mainKey says", () => {
  const work = roster({ session: { mainKey: "Work" } });
  expect(canonicalKey("main", work)).toBe("agent:main:main");
  expect(canonicalKey("work", work)).toBe("agent:main:work");
  expect(keyFacts("agent:main:work", work)).toMatchObject({ isMain: false, classification: "custom" });
});

test("session.scope makes one session of the default agent's main, and of no other agent's", () => {
  const one = roster({ session: { scope: "global" } });
  expect(["main", "agent:main:main", " Global "].map((key) => canonicalKey(key, one))).toEqual(Array(3).fill("global"));
  expect(canonicalKey("main", one, "main")).toBe("global");
  expect(canonicalKey("foo", one)).toBe("agent:main:foo");
  const two = roster({ session: { scope: "global" }, agents: { entries: { main: { default: true }, ops: {} } } });
  expect(canonicalKey("agent:ops:main", two)).toBe("agent:ops:main");
  expect(canonicalKey("main", two, "ops")).toBe("agent:ops:main");
});

test.each([
  ["agent:main:Matrix:Group:!AbC:Example.org", "agent:main:matrix:group:!AbC:Example.org"],
  ["Matrix:Channel:!AbC:Thread:$Tt", "agent:main:matrix:channel:!AbC:thread:$Tt"],
  ["matrix:direct:@AbC:Example.org", "agent:main:matrix:direct:@abc:example.org"],
  ["AGENT:Main:Signal:Group:AbCd==", "agent:main:signal:group:AbCd=="],
  ["signal:group:AbC:Thread:Tt", "agent:main:signal:group:AbC:thread:tt"],
  ["whatsapp:group:AbC", "agent:main:whatsapp:group:abc"],
])("ids that are told apart by case keep it: %j means %j", (key, canonical) => {
  expect(canonicalKey(key, ONE)).toBe(canonical);
});

test.each([
  ["agent:main:main", "direct", "main", false],
  ["agent:main:foo", "direct", "custom", false],
  ["agent:main:dashboard:1", "direct", "dashboard", false],
  ["agent:main:cron:1", "direct", "cron", true],
  ["agent:main:subagent:1", "direct", "subagent", true],
  ["agent:main:acp:1", "direct", "acp", true],
  ["agent:main:hook:1", "direct", "hook", true],
  ["agent:main:subagent:1:thread:2", "direct", "subagent", true],
  ["agent:main:x:cron:1", "direct", "custom", false],
  ["agent:main:cron", "direct", "custom", false],
  ["agent:main:explicit:1", "direct", "explicit", false],
  ["agent:main:voice:1", "direct", "voice", false],
  ["agent:main:node-1", "direct", "node", false],
  ["agent:main:node:1", "direct", "node", false],
  ["agent:main:node", "direct", "custom", false],
  ["agent:main:tui-1", "direct", "tui", false],
  ["agent:main:tui:1", "direct", "custom", false],
  ["agent:main:boot", "direct", "system", true],
  ["agent:main:boot:1", "direct", "system", true],
  ["agent:main:boot:1:thread:2", "direct", "thread", false],
  ["agent:main:dashboard:1:thread:2", "direct", "thread", false],
  ["agent:main:main:thread:1", "direct", "thread", false],
  ["agent:main:thread:1", "direct", "thread", false],
  ["agent:main:x:thread:1", "direct", "thread", false],
  ["agent:main:telegram:direct:1:thread:", "direct", "direct", false],
  ["agent:main:slack:channel:1:thread:1.2", "group", "thread", false],
  ["agent:main:direct:1", "direct", "direct", false],
  ["agent:main:telegram:dm:1", "direct", "direct", false],
  ["agent:main:telegram:direct:", "direct", "custom", false],
  ["agent:main:a:b:c:direct:1", "direct", "custom", false],
  ["agent:main:telegram:work:group:1", "group", "custom", false],
  ["agent:main:group:1", "group", "custom", false],
  ["agent:main:telegram:direct:1", "direct", "direct", false],
  ["agent:main:telegram:group:1", "group", "group", false],
  ["agent:main:slack:channel:1", "group", "channel", false],
  ["global", "global", "global", false],
  ["unknown", "unknown", "unknown", false],
] as const)("%j is a %s session of class %s", (key, kind, classification, isBackground) => {
  expect(keyFacts(key, ONE)).toMatchObject({ kind, classification, isBackground });
});

test.each([
  ["telegram:work:direct:1", { accountId: "work", peerKind: "direct", peerId: "1" }],
  ["telegram:direct:1:thread:2", { peerKind: "direct" }],
  ["direct:1", { peerKind: "direct", peerId: "1" }],
  ["slack:channel:c0:thread:1.2", { channel: "slack", peerKind: "channel" }],
])("%j names its peer", (rest, facts) => {
  expect(keyFacts(`agent:main:${rest}`, ONE)).toMatchObject(facts);
});

test.each([
  ["telegram:group:-100:topic:9", "telegram:g-100-topic-9"],
  ["matrix:channel:!AbC:thread:$Tt", "matrix:g-abc-thread-tt"],
  ["slack:channel:c 0#a@b.c_d+e/f--g.z", "slack:c-0#a@b.c_d+e-f-g.z"],
  ["slack:channel:@room", "slack:@room"],
  ["slack:channel:#room", "slack:g-room"],
  ["slack:channel:g-room", "slack:g-room"],
  ["slack:channel:äöü", "slack:g-äöü"],
  ["slack:channel:!!!", "slack"],
  ["telegram:work:group:1", undefined],
  ["group:1", undefined],
])("the group %j is called %p", (rest, name) => {
  expect(displayName(`agent:main:${rest}`, {}, ONE)).toBe(name);
});

test("programs that keep sessions of their own have a namespace that is closed to others", () => {
  expect(() => ownableKey("agent:main:harness:x")).toThrow("reserved for agent harness-owned sessions");
  expect(ownableKey("agent:main:foo:harness:x")).toBe("agent:main:foo:harness:x");
});

test("a group's key names its channel and peer", () => {
  expect(keyFacts("agent:ops:telegram:group:-100:7", TWO)).toMatchObject({
    agentId: "ops",
    channel: "telegram",
    peerKind: "group",
    peerId: "-100:7",
  });
});
