import { describe, expect, test } from "bun:test";
import { readRoster } from "../agents/roster.ts";
import { type Binding, type InboundPlace, inboundRoute, type RouteSettings } from "./route.ts";

const SOLE = readRoster({}, "/state");
const TEAM = readRoster({ agents: { ownership: "explicit", entries: { main: {}, ops: {} } } }, "/state");

const key = (session: RouteSettings["session"], place: Partial<InboundPlace>) =>
  inboundRoute({ channel: "telegram", ...place }, { session }, SOLE).sessionKey;
const dm = (id: string) => ({ peer: { kind: "direct", id } }) as const;
const group = (id: string) => ({ peer: { kind: "group", id } }) as const;

describe("the session of a direct message", () => {
  test.each([
    [{}, dm("123"), "agent:main:main"],
    [{ dmScope: "per-peer" }, dm("ABC"), "agent:main:direct:abc"],
    [{ dmScope: "per-channel-peer" }, { ...dm("123"), accountId: "Work" }, "agent:main:telegram:direct:123"],
    [{ dmScope: "per-account-channel-peer" }, { ...dm("1"), accountId: "Work" }, "agent:main:telegram:work:direct:1"],
    [{ dmScope: "per-account-channel-peer" }, dm("1"), "agent:main:telegram:default:direct:1"],
    [
      { dmScope: "per-account-channel-peer" },
      { ...dm("a:b"), accountId: "../x y" },
      "agent:main:telegram:x-y:direct:a:b",
    ],
    [{ dmScope: "per-peer" }, dm(" "), "agent:main:direct:unknown"],
    [{ dmScope: "per-peer" }, {}, "agent:main:main"],
    [{ dmScope: "per-peer" }, { channel: "matrix", ...dm("@Bob:Example.org") }, "agent:main:direct:@bob:example.org"],
    [{ dmScope: "per-channel-peer" }, { channel: "TG", ...dm("1") }, "agent:main:telegram:direct:1"],
  ] as const)("%j %j: %s", (session, place, expected) => {
    expect(key(session, place)).toBe(expected);
  });
});

describe("identityLinks", () => {
  const identityLinks = { Alice: ["Telegram:123", "discord:456", "789"], " ": ["telegram:9"], bob: ["telegram:9"] };
  test.each([
    ["per-peer", { ...dm("123") }, "agent:main:direct:alice"],
    ["per-peer", { channel: "discord", ...dm("456") }, "agent:main:direct:alice"],
    ["per-peer", { channel: "discord", ...dm("123") }, "agent:main:direct:123"],
    ["per-peer", { channel: "discord", ...dm("789") }, "agent:main:direct:alice"],
    ["per-peer", dm("telegram:123"), "agent:main:direct:alice"],
    ["per-peer", dm("9"), "agent:main:direct:bob"],
    ["per-channel-peer", dm("123"), "agent:main:telegram:direct:alice"],
    ["per-account-channel-peer", dm("123"), "agent:main:telegram:default:direct:alice"],
    ["main", dm("123"), "agent:main:main"],
    ["per-peer", group("123"), "agent:main:telegram:group:123"],
  ] as const)("with %s, %j is %s", (dmScope, place, expected) => {
    expect(key({ dmScope, identityLinks }, place)).toBe(expected);
  });
});

describe("the session of a group", () => {
  test.each([
    [{}, group("-100A"), "agent:main:telegram:group:-100a"],
    [{}, group("-100:topic:42"), "agent:main:telegram:group:-100:topic:42"],
    [{}, { channel: "slack", peer: { kind: "channel", id: "C0" } }, "agent:main:slack:channel:c0"],
    [{ groupScope: "main" }, group("1"), "agent:main:main"],
    [{}, group(""), "agent:main:telegram:group:unknown"],
    [{}, { channel: "matrix", ...group("!AbC:x") }, "agent:main:matrix:group:!AbC:x"],
    [{}, { channel: "signal", ...group("AbC==") }, "agent:main:signal:group:AbC=="],
    [{}, { channel: "discord", ...group("1"), threadId: " ABC " }, "agent:main:discord:group:1:thread:abc"],
    [{}, { channel: "discord", ...group("1"), threadId: " " }, "agent:main:discord:group:1"],
    [{}, { ...dm("1"), threadId: "7" }, "agent:main:main:thread:7"],
  ] as const)("%j %j: %s", (session, place, expected) => {
    expect(key(session, place)).toBe(expected);
  });

  test("is its own where all direct messages share the one global session", () => {
    const global = readRoster({ session: { scope: "global" } }, "/state");
    const route = (place: Partial<InboundPlace>) => inboundRoute({ channel: "telegram", ...place }, {}, global);
    expect(route(dm("1"))).toMatchObject({ sessionKey: "global", mainSessionKey: "global", agentId: "main" });
    expect(route(group("1")).sessionKey).toBe("agent:main:telegram:group:1");
  });
});

/** A binding of any account of Discord, unless its match says otherwise. */
const to = (agentId: string, match: Binding["match"] = {}, session?: Binding["session"]): Binding => ({
  agentId,
  match: { channel: "discord", accountId: "*", ...match },
  session,
});
const CHANNEL = { kind: "channel", id: "x" } as const;
const MEMBER = { guildId: "G", roles: ["R"] };

describe("bindings", () => {
  test.each<[string, Binding[], Partial<InboundPlace>, string, string]>([
    ["an account left out is the default one", [to("ops", { accountId: undefined })], {}, "ops", "binding.account"],
    ["a blank account, too", [to("ops", { accountId: " " }), to("main")], {}, "ops", "binding.account"],
    [
      "and no other",
      [to("ops", { accountId: undefined }), to("main")],
      { accountId: "biz" },
      "main",
      "binding.channel",
    ],
    [
      "an account beats any",
      [to("main"), to("ops", { accountId: "BIZ" })],
      { accountId: "biz" },
      "ops",
      "binding.account",
    ],
    [
      "accounts go by their plain name",
      [to("ops", { accountId: "Foo Bar" })],
      { accountId: "foo bar" },
      "ops",
      "binding.account",
    ],
    ["the first of a tier counts", [to("ops"), to("main")], {}, "ops", "binding.channel"],
    [
      "a peer beats all",
      [to("main", { guildId: "G" }), to("ops", { peer: CHANNEL })],
      { guildId: "G" },
      "ops",
      "binding.peer",
    ],
    [
      "peers are told apart by case",
      [to("main"), to("ops", { peer: { kind: "channel", id: "X" } })],
      {},
      "main",
      "binding.channel",
    ],
    ["a group is a channel", [to("main"), to("ops", { peer: { kind: "group", id: "x" } })], {}, "ops", "binding.peer"],
    [
      "a direct chat is none",
      [to("main"), to("ops", { peer: { kind: "direct", id: "x" } })],
      {},
      "main",
      "binding.channel",
    ],
    ["any channel", [to("main"), to("ops", { peer: { kind: "group", id: "*" } })], {}, "ops", "binding.peer.wildcard"],
    [
      "a parent",
      [to("main", { peer: { kind: "channel", id: "*" } }), to("ops", { peer: { kind: "channel", id: "C1" } })],
      { parentPeer: { kind: "channel", id: "C1" } },
      "ops",
      "binding.peer.parent",
    ],
    [
      "a wildcard is not for parents",
      [to("ops", { peer: { kind: "channel", id: "*" } }), to("main")],
      { peer: { kind: "direct", id: "u" }, parentPeer: CHANNEL },
      "main",
      "binding.channel",
    ],
    [
      "no wildcard without a peer",
      [to("ops", { peer: { kind: "channel", id: "*" } }), to("main")],
      { peer: undefined },
      "main",
      "binding.channel",
    ],
    ["a peer without a kind is none", [to("ops", { peer: { id: "x" } }), to("main")], {}, "main", "binding.channel"],
    [
      "a peer of another account",
      [to("main"), to("ops", { accountId: undefined, peer: CHANNEL })],
      { accountId: "biz" },
      "main",
      "binding.channel",
    ],
    ["a guild and a role", [to("main", { guildId: "G" }), to("ops", MEMBER)], MEMBER, "ops", "binding.guild+roles"],
    [
      "a guild without the role",
      [to("main", { guildId: "G" }), to("ops", MEMBER)],
      { ...MEMBER, roles: ["Q"] },
      "main",
      "binding.guild",
    ],
    ["no roles ask for none", [to("ops", { guildId: "G", roles: [] })], { guildId: "G" }, "ops", "binding.guild"],
    ["roles alone", [to("ops", { roles: ["R"] }), to("main")], MEMBER, "ops", "binding.channel"],
    [
      "a guild beats a team",
      [to("main", { teamId: "T" }), to("ops", { guildId: "G", teamId: "T" })],
      { guildId: "G", teamId: "T" },
      "ops",
      "binding.guild",
    ],
    [
      "a team beats an account",
      [to("main", { accountId: "biz" }), to("ops", { teamId: "T" })],
      { accountId: "biz", teamId: "T" },
      "ops",
      "binding.team",
    ],
    [
      "all that is named must match",
      [to("main"), to("ops", { peer: CHANNEL, guildId: "G" })],
      { guildId: "H" },
      "main",
      "binding.channel",
    ],
    [
      "of a guild, no matter whose account",
      [to("main", { guildId: "G" }), to("ops", { guildId: "G", accountId: "biz" })],
      { guildId: "G", accountId: "biz" },
      "main",
      "binding.guild",
    ],
    [
      "another channel is not meant",
      [to("ops", { channel: "slack" }), to("main", { channel: " Discord " })],
      {},
      "main",
      "binding.channel",
    ],
  ])("%s", (_name, bindings, place, agentId, matchedBy) => {
    const route = inboundRoute({ channel: "discord", peer: CHANNEL, ...place }, { bindings }, TEAM);
    expect(route).toMatchObject({ agentId, matchedBy, mainSessionKey: `agent:${agentId}:main` });
  });

  test("say how their own messages are kept apart", () => {
    const route = (session: Binding["session"], peer: InboundPlace["peer"], global: RouteSettings["session"] = {}) =>
      inboundRoute({ channel: "discord", peer }, { bindings: [to("ops", {}, session)], session: global }, TEAM)
        .sessionKey;
    expect(route({ dmScope: "per-peer" }, { kind: "direct", id: "u" })).toBe("agent:ops:direct:u");
    expect(route({ dmScope: "per-peer" }, CHANNEL)).toBe("agent:ops:discord:channel:x");
    expect(route({ groupScope: "main" }, CHANNEL)).toBe("agent:ops:main");
    expect(route({ groupScope: "per-group" }, CHANNEL, { groupScope: "main" })).toBe("agent:ops:discord:channel:x");
    expect(route(undefined, CHANNEL, { groupScope: "main" })).toBe("agent:ops:main");
  });
});

describe("without a binding", () => {
  const route = (agents: object, place: Partial<InboundPlace> = {}, bindings: Binding[] = []) =>
    inboundRoute({ channel: "slack", ...dm("u"), ...place }, { bindings }, readRoster({ agents }, "/state"));

  test.each([
    ["the only agent", { entries: { b: {} } }, "b"],
    ["the one marked as default", { entries: { a: {}, b: { default: true } } }, "b"],
    [
      "the one for services",
      { ownership: "explicit", defaults: { systemAgent: { agentId: "a" } }, entries: { b: {}, a: {} } },
      "a",
    ],
  ])("%s answers", (_name, agents, expected) => {
    expect(route(agents)).toMatchObject({ agentId: expected, matchedBy: "default" });
  });

  test("of several agents the caller's counts, else none is guessed", () => {
    const agents = { entries: { main: {}, ops: {} } };
    expect(route(agents, { fallbackAgentId: "OPS" }).sessionKey).toBe("agent:ops:main");
    expect(() => route(agents, { accountId: "Biz" })).toThrow(
      'Multiple agents are configured, but slack account biz routing has no explicit owner. Add a channel-wide binding for slack:biz: {"agentId":"<agentId>","match":{"channel":"slack","accountId":"biz"}}. Replace <agentId> with a configured agent.',
    );
    const acp = { ...to("ops", { channel: "slack", peer: dm("u").peer }), type: "acp" } as const;
    expect(() => route(agents, {}, [acp])).toThrow("has no explicit owner");
  });

  test("an agent that is not there is never replaced by another", () => {
    for (const entries of [{ main: {} }, { main: { default: true }, ops: {} }, { main: {}, ops: {} }]) {
      expect(() => route({ entries }, {}, [to("ghost", { channel: "slack" })])).toThrow(
        'Update the binding agentId "ghost" to a configured agent.',
      );
    }
  });
});
