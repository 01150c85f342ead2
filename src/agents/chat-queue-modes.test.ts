import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { TestClient } from "../gateway/testing.ts";
import { type ChatGateway, chatEnd, framesOf, freshKey, startChatGateway, transcript } from "./testing/chat-gateway.ts";

let gateway: ChatGateway;
beforeAll(async () => {
  gateway = await startChatGateway();
});
afterAll(() => gateway.stop());

const SLOW = "SLOW:100 a b c d e";

interface Room {
  sessionKey: string;
  id(name: string): string;
}

const send = (room: Room, name: string, message: string, more: object = {}, client: TestClient = gateway.client) =>
  client.call("chat.send", { sessionKey: room.sessionKey, message, idempotencyKey: room.id(name), ...more });

/** A session whose queue is set up by the command, with a slow answer under way. */
async function busyRoom(queue: string): Promise<Room> {
  const room = freshKey();
  await send(room, "queue", `/queue ${queue}`);
  await chatEnd(gateway.client, room.id("queue"));
  await send(room, "busy", SLOW);
  await gateway.client.event("chat", ({ runId, state }) => runId === room.id("busy") && state === "delta", 0);
  return room;
}

/** What the command answers. */
async function command(room: Room, name: string, text: string, client = gateway.client): Promise<string> {
  await send(room, name, text, {}, client);
  return (await chatEnd(client, room.id(name))).payload.message.content[0].text;
}

/** What was said after the setting up, once nothing waits any more. */
async function settled(room: Room): Promise<string[]> {
  const { runs } = gateway.services;
  while (runs.atWork + runs.waiting > 0) await Bun.sleep(5);
  return (await transcript(gateway, room.sessionKey)).slice(2);
}

const pending = ({ sessionKey }: Room) =>
  gateway.services.runs.pendingInputs(sessionKey).map(({ runId, state }) => [runId, state]);

describe("collect", () => {
  test("answers all that waited in one turn, and ends their keys when they are queued", async () => {
    const room = await busyRoom("collect debounce:20ms");
    for (const n of [1, 2, 3]) await send(room, `${n}`, `message ${n}`);
    expect(await settled(room)).toEqual([
      `user: ${SLOW}`,
      "assistant: echo: a b c d e",
      "user: [Queued messages while agent was busy]\n\n---\nQueued #1 (from gateway-client)\nmessage 1\n\n" +
        "---\nQueued #2 (from gateway-client)\nmessage 2\n\n---\nQueued #3 (from gateway-client)\nmessage 3",
      "assistant: echo: [Queued messages while agent was busy]",
    ]);
    for (const n of [1, 2, 3]) {
      expect(framesOf(gateway.client, room.id(`${n}`))).toEqual([
        { runId: room.id(`${n}`), sessionKey: room.sessionKey, seq: 1, state: "final" },
      ]);
      const { outcome } = (await gateway.services.runs.find(room.id(`${n}`)))!;
      expect(outcome).toMatchObject({ status: "ok", reply: { disposition: "visible" } });
    }
  });

  test("does not take back what others said with one of several: each is cancelled by itself", async () => {
    const room = await busyRoom("collect debounce:20ms");
    for (const n of [1, 2, 3]) await send(room, `${n}`, `message ${n}`);
    const { runIds } = await gateway.client.call("chat.abort", { sessionKey: room.sessionKey, runId: room.id("2") });
    expect(runIds).toEqual([room.id("2")]);
    const [, , collected] = await settled(room);
    expect(collected).toContain("message 1");
    expect(collected).not.toContain("message 2");
    expect(collected).toContain("Queued #2 (from gateway-client)\nmessage 3");
    expect(pending(room)).toEqual([[room.id("2"), "cancelled"]]);
  });

  test("KNOWN_ATTACKS 122: never mixes the words of an owner with those of somebody with fewer rights", async () => {
    const guest = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    const room = await busyRoom("collect debounce:20ms");
    await send(room, "1", "by the owner");
    await send(room, "2", "by a guest", {}, guest);
    await send(room, "3", "by the owner again");
    const users = (await settled(room)).filter((line) => line.startsWith("user: [Queued"));
    expect(users.map((line) => line.match(/by .*/g))).toEqual([
      ["by the owner"],
      ["by a guest"],
      ["by the owner again"],
    ]);
    const stored = await gateway.services.sessions.recent(room.sessionKey, 20);
    expect(stored.filter(({ role }) => role === "user").map(({ meta }) => meta?.senderIsOwner === true)).toEqual([
      true,
      true,
      true,
      false,
      true,
    ]);
  });
});

describe("the quiet time", () => {
  test("begins anew with every message, and nothing of the session is shown at work meanwhile", async () => {
    const room = await busyRoom("followup debounce:1h");
    await send(room, "1", "message 1");
    await chatEnd(gateway.client, room.id("busy"));
    expect(gateway.services.runs.activeRunIds(room.sessionKey)).toEqual([]);
    expect(pending(room)).toEqual([[room.id("1"), "queued"]]);
    expect(await command(room, "faster", "/queue debounce:1ms")).toBe("⚙️ Queue debounce set to 1ms.");
    await send(room, "2", "message 2");
    expect((await settled(room)).filter((line) => line.startsWith("user: message"))).toEqual([
      "user: message 1",
      "user: message 2",
    ]);
  });

  test("is over at once for a session that is stopped", async () => {
    const room = await busyRoom("followup debounce:1h");
    await send(room, "1", "message 1");
    await gateway.client.call("chat.abort", { sessionKey: room.sessionKey });
    await send(room, "2", "message 2");
    expect((await chatEnd(gateway.client, room.id("2"))).payload.message.content[0].text).toBe("echo: message 2");
  });
});

describe("a full queue", () => {
  test("names what lost its room in a turn before the others", async () => {
    const room = await busyRoom("followup debounce:20ms cap:2 drop:summarize");
    for (const n of [1, 2, 3, 4]) await send(room, `${n}`, `message ${n}\n  with ${"more ".repeat(40)}`);
    const said = (await settled(room)).slice(2);
    const line = (n: number) => `- message ${n} with ${"more ".repeat(40)}`.slice(0, 161).trimEnd();
    expect(said[0]).toBe(`user: [Queue overflow] Dropped 2 messages due to cap.\nSummary:\n${line(1)}…\n${line(2)}…`);
    expect(said.filter((text) => text.startsWith("user: message"))).toHaveLength(2);
    expect(said.at(-1)).toBe("assistant: echo: message 4");
    expect(pending(room)).toEqual([]);
  });

  test("drops the oldest without a word where it is told to; they stay visible", async () => {
    const room = await busyRoom("followup debounce:20ms cap:1 drop:old");
    for (const n of [1, 2, 3]) await send(room, `${n}`, `message ${n}`);
    expect((await settled(room)).slice(2)).toEqual(["user: message 3", "assistant: echo: message 3"]);
    expect(pending(room)).toEqual([
      [room.id("1"), "interrupted"],
      [room.id("2"), "interrupted"],
    ]);
    expect((await gateway.services.runs.find(room.id("1")))!.outcome!.status).toBe("interrupted");
  });

  test("refuses the newest where it is told to, and the model is told nothing of it", async () => {
    const room = await busyRoom("followup debounce:20ms cap:1 drop:new");
    await send(room, "1", "message 1");
    await send(room, "2", "message 2");
    const end = await chatEnd(gateway.client, room.id("2"));
    expect(end.payload.message.content[0].text).toStartWith("This message was not queued");
    await settled(room);
    const stored = await gateway.services.sessions.recent(room.sessionKey, 20);
    const refused = stored.filter(({ idempotencyKey }) => idempotencyKey?.startsWith(room.id("2")));
    expect(refused.map(({ role, extra }) => [role, extra?.excludeFromContext])).toEqual([
      ["user", true],
      ["assistant", true],
    ]);
    expect((await send(room, "2", "message 2")).status).toBe("ok");
  });

  test("counts against no one else: the cap of one session leaves others alone", async () => {
    const [one, other] = [await busyRoom("followup debounce:20ms cap:1 drop:new"), await busyRoom("followup cap:5")];
    await send(one, "1", "message 1");
    for (const n of [1, 2, 3]) await send(other, `${n}`, `message ${n}`);
    expect(pending(other).map(([, state]) => state)).toEqual(["queued", "queued", "queued"]);
    await gateway.client.call("chat.abort", { sessionKey: other.sessionKey });
  });
});

describe("interrupt", () => {
  test("replaces what is at work and earlier ones that were to; what was queued before runs first", async () => {
    const room = await busyRoom("followup debounce:10s");
    await send(room, "1", "queued");
    await send(room, "2", "replaced", { queueMode: "interrupt" });
    await send(room, "3", "newest", { queueMode: "interrupt" });
    expect((await chatEnd(gateway.client, room.id("busy"))).payload.state).toBe("aborted");
    const replaced = ({ runId, state }: { runId?: string; state?: string }) =>
      runId === room.id("2") && state === "aborted";
    expect((await gateway.client.event("chat", replaced, 0)).payload.stopReason).toBe("superseded");
    await command(room, "faster", "/queue debounce:1ms");
    await send(room, "4", "last");
    const users = (await settled(room)).filter((line) => line.startsWith("user: "));
    expect(users.filter((line) => !line.includes("/queue"))).toEqual([
      `user: ${SLOW}`,
      "user: queued",
      "user: newest",
      "user: last",
    ]);
  });
});

describe("/queue", () => {
  test("shows, changes and forgets what a session says, in upstream's words", async () => {
    const room = freshKey();
    const options =
      "\nOptions: modes steer, followup, collect, interrupt; debounce:<ms|s|m>, cap:<n>, drop:old|new|summarize.";
    const dialogue: [string, string][] = [
      ["/queue", `Current queue settings: mode=steer, debounce=500ms, cap=20, drop=summarize.${options}`],
      [
        "/queue COLLECT debounce:0.5s cap:2 Drop:old",
        "⚙️ Queue mode set to collect. ⚙️ Queue debounce set to 500ms. ⚙️ Queue cap set to 2. ⚙️ Queue drop set to old.",
      ],
      ["/queue: debounce:1.5", "⚙️ Queue debounce set to 2ms."],
      ["/queue", `Current queue settings: mode=collect, debounce=2ms, cap=2, drop=old.${options}`],
      ["/queue cap:0", 'Invalid cap "0". Use a positive integer (e.g. cap:10).'],
      ["/queue debounce:xx", 'Invalid debounce "xx". Use ms/s/m (e.g. debounce:1500ms, debounce:2s).'],
      ["/queue steer drop:banana", 'Invalid drop policy "banana". Use drop:old, drop:new, or drop:summarize.'],
      ["/queue foo", 'Unrecognized queue mode "foo". Valid modes: steer, followup, collect, interrupt.'],
    ];
    for (const [index, [said, answer]] of dialogue.entries()) {
      expect([said, await command(room, `${index}`, said)]).toEqual([said, answer]);
    }
    const describeRow = async () => {
      const { session } = await gateway.client.call("sessions.describe", { key: room.sessionKey });
      return [session.queueMode, session.effectiveQueueMode];
    };
    expect(await describeRow()).toEqual(["collect", "collect"]);
    expect(await command(room, "reset", "/queue default")).toBe("⚙️ Queue mode reset to default.");
    expect(await describeRow()).toEqual([undefined, "steer"]);
  });

  test("beside a message counts for that message alone, which is said without it", async () => {
    const room = await busyRoom("followup debounce:1ms");
    await send(room, "1", "please /queue interrupt do this");
    expect((await chatEnd(gateway.client, room.id("busy"))).payload.state).toBe("aborted");
    expect((await settled(room)).at(-1)).toBe("assistant: echo: please do this");
    expect(gateway.services.runs.queueMode(room.sessionKey, "followup")).toBe("followup");
  });
});

test("the configuration speaks for a channel before it speaks for all, and a session before both", async () => {
  const queue = { mode: "followup", byChannel: { telegram: "collect", webchat: "interrupt" } };
  const own = await startChatGateway({ config: { messages: { queue } } as never });
  const { runs } = own.services;
  expect(runs.queueMode("agent:main:main")).toBe("interrupt");
  expect(runs.queueMode("agent:main:telegram:group:42")).toBe("collect");
  expect(runs.queueMode("agent:main:slack:channel:c1")).toBe("followup");
  expect(runs.queueMode("agent:main:slack:channel:c1", "steer")).toBe("steer");
  await own.stop();
});
