import { describe, expect, test } from "bun:test";
import { type BusEvent, EventBus } from "../platform/bus.ts";
import { ManualClock } from "../platform/clock.ts";
import { Presence, type PresentClient } from "./presence.ts";
import { StateVersions } from "./versions.ts";

function setup() {
  const clock = new ManualClock(1_000_000);
  const bus = new EventBus();
  const versions = new StateVersions();
  const events: BusEvent[] = [];
  bus.subscribe((event) => events.push(event));
  const presence = new Presence({ bus, clock, versions }, "2026.9.6");
  const others = () => presence.list().slice(1);
  return { clock, versions, events, presence, others };
}

const peer = (over: Partial<PresentClient> = {}, client: Partial<PresentClient["client"]> = {}): PresentClient => ({
  connId: "c1",
  role: "operator",
  scopes: ["operator.read"],
  ...over,
  client: { id: "openclaw-ios", mode: "ui", version: "1.0", platform: "ios", ...client },
});

test("the gateway itself comes first", () => {
  const { presence } = setup();
  expect(presence.list()).toEqual([
    expect.objectContaining({ mode: "gateway", reason: "self", version: "2026.9.6", ts: 1_000_000 }),
  ]);
});

describe("reports", () => {
  test("what says what to do with a report is not part of the entry, and no fact is longer than bearable", () => {
    const { presence, others } = setup();
    const scopes = Array.from({ length: 1000 }, () => "x".repeat(5000));
    presence.report({
      text: "t".repeat(5000),
      host: "h".repeat(5000),
      scopes,
      sessionKey: "agent:main:main",
      wake: true,
    });
    const [entry] = others();
    expect(Object.keys(entry!).sort()).toEqual(["host", "scopes", "text", "ts"]);
    expect(JSON.stringify(entry).length).toBeLessThan(2000 * 67);
  });

  test("a text alone is an entry of its own, told to everybody with a new state version", () => {
    const { presence, versions, events, others } = setup();
    presence.report({ text: " hello world " });
    expect(others()).toEqual([{ text: "hello world", ts: 1_000_000 }]);
    expect(versions.presence).toBe(2);
    expect(events.map(({ event }) => event)).toEqual(["presence"]);
  });

  test.each(["", "   "])("the text %j is refused", (text) => {
    expect(() => setup().presence.report({ text })).toThrow("text required");
  });

  test("merge by instance id, whatever its case", () => {
    const { presence, others } = setup();
    presence.report({ text: "one", instanceId: "Mac-1", host: "mac", lastInputSeconds: 4 });
    presence.report({ text: "two", instanceId: "mac-1", version: "3" });
    expect(others()).toEqual([
      { text: "two", instanceId: "mac-1", host: "mac", lastInputSeconds: 4, version: "3", ts: 1_000_000 },
    ]);
  });

  test("the one-line summary of older apps is read", () => {
    const { presence, others } = setup();
    const text = "Node: Bar (10.9.0.1) · app 3.2 · last input 12s ago · mode remote · reason beacon";
    presence.report({ text });
    expect(others()).toEqual([
      {
        host: "Bar",
        ip: "10.9.0.1",
        version: "3.2",
        lastInputSeconds: 12,
        mode: "remote",
        reason: "beacon",
        text,
        ts: 1_000_000,
      },
    ]);
  });

  test("the clearing tag removes an older input recency", () => {
    const { presence, others } = setup();
    presence.report({ text: "a", instanceId: "m", lastInputSeconds: 4 });
    presence.report({
      text: "a",
      instanceId: "m",
      lastInputSeconds: 2_592_000,
      tags: ["system-presence-clear-last-input"],
    });
    expect(others()[0]).not.toHaveProperty("lastInputSeconds");
  });
});

describe("connections", () => {
  test.each(["cli", "backend", "probe"])("a client of mode %s leaves no entry", (mode) => {
    const { presence, others, events } = setup();
    presence.connected(peer({}, { mode }));
    expect(others()).toEqual([]);
    expect(events).toEqual([]);
  });

  test("two tabs have an entry each; one that ended says so until it expires", () => {
    const { presence, others, clock } = setup();
    presence.connected(peer({ connId: "c1" }));
    presence.connected(peer({ connId: "c2" }));
    expect(others()).toHaveLength(2);
    clock.advance(1);
    presence.disconnected("c1");
    expect(others().map(({ reason }) => reason)).toEqual(["disconnect", "connect"]);
    clock.advance(300_001);
    expect(others().map(({ reason }) => reason)).toEqual(["connect"]);
  });

  test("a node is known by its device, over reconnects too", () => {
    const { presence, others } = setup();
    const node = { role: "node", deviceId: "dev", scopes: [] } as const;
    presence.connected(peer({ ...node, connId: "n1" }, { mode: "node", displayName: "N1" }));
    presence.connected(peer({ ...node, connId: "n2" }, { mode: "node", displayName: "N1" }));
    presence.disconnected("n1");
    expect(others()).toEqual([
      expect.objectContaining({ host: "N1", deviceId: "dev", instanceId: "dev", roles: ["node"], reason: "connect" }),
    ]);
  });

  test("scopes are shown of paired devices only", () => {
    const { presence, others } = setup();
    presence.connected(peer({ connId: "c1", deviceId: "dev" }));
    presence.connected(peer({ connId: "c2" }));
    expect(others().map(({ scopes }) => scopes)).toEqual([["operator.read"], undefined]);
  });
});

test("reports expire after five minutes, and there are at most 200 entries, newest kept", () => {
  const { presence, others, clock } = setup();
  for (let i = 0; i < 250; i++) {
    clock.advance(1);
    presence.report({ text: `note ${i}` });
  }
  expect(others()).toHaveLength(200);
  expect(others()[0]?.text).toBe("note 249");
  clock.advance(300_001);
  expect(others()).toEqual([]);
});

test("shows which sessions a connection looks at until it goes, and tells others only of a change", () => {
  const { presence, others, events } = setup();
  presence.connected(peer());
  presence.watch("c1", ["agent:main:a"]);
  const told = events.length;
  presence.watch("c1", ["agent:main:a"]);
  presence.watch("unheard-of", ["agent:main:b"]);
  expect(events.length).toBe(told);
  expect(others()).toMatchObject([{ watchedSessions: ["agent:main:a"] }]);
  presence.disconnected("c1");
  expect(others()[0]!.watchedSessions).toBeUndefined();
});
