import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { TestClient, TestGateway } from "../gateway/testing.ts";
import { personSpec, selfOf, startPeopleGateway } from "./testing.ts";

let gateway: TestGateway;
let ann: TestClient;
let bob: TestClient;
let annId: string;
let bobId: string;
beforeEach(async () => {
  ({ gateway } = await startPeopleGateway());
  [ann, bob] = [await gateway.connect(personSpec("ann@x.org")), await gateway.connect(personSpec("bob@x.org"))];
  [annId, bobId] = [(await selfOf(ann)).id, (await selfOf(bob)).id];
});
afterEach(() => gateway.stop());

const SESSION = "agent:main:trip";
const TEXT = "look @bob, a beach";
const name = (profileId: string, start = 5, end = 9) => ({ profileId, start, end });
const say = (client: TestClient, idempotencyKey: string, mentions: object[], message = TEXT) =>
  client.request("chat.send", { sessionKey: SESSION, message, idempotencyKey, mentions });
const inbox = (client: TestClient) => client.call("mentions.list");

describe("a person who is named in a message", () => {
  test("is told once the message is on disk, and finds it in the inbox until it is dismissed", async () => {
    const told = bob.event("mentions.changed");
    expect((await say(ann, "k1", [name(bobId)])).payload).toMatchObject({ runId: "k1", status: "started" });
    const { payload } = await told;
    const { items, ...version } = await inbox(bob);
    expect(version).toEqual(payload);
    expect(items).toHaveLength(1);
    const [item] = items;
    expect(item).toMatchObject({
      senderProfileId: annId,
      senderLabel: "ann",
      sessionKey: SESSION,
      agentId: "main",
      sessionTitle: "Conversation",
      excerpt: TEXT,
    });
    const { messages } = await bob.call("chat.history", { sessionKey: SESSION });
    expect(messages[0].__openclaw).toMatchObject({ id: item.messageId, senderId: annId, humanMentions: [name(bobId)] });
    expect((await inbox(ann)).items).toEqual([]);
    const after = await bob.call("mentions.dismiss", { ids: [item.id, "nope"] });
    expect(after).toEqual({ ...version, revision: version.revision + 1, items: [] });
    expect(await inbox(bob)).toEqual(after);
  });

  test("is told once by a message however often it is sent and names the person", async () => {
    const twice = [name(bobId), name(bobId, 10, 14)];
    const told = bob.event("mentions.changed");
    await say(ann, "k1", twice, "@bob and @bob".replace("@bob and", "look @bob"));
    await told;
    await say(ann, "k1", twice, "look @bob @bob");
    expect((await inbox(bob)).items).toHaveLength(1);
    expect(bob.events("mentions.changed")).toHaveLength(1);
  });

  test("cannot dismiss what waits for somebody else", async () => {
    const told = bob.event("mentions.changed");
    await say(ann, "k1", [name(bobId)]);
    await told;
    const [item] = (await inbox(bob)).items;
    await ann.call("mentions.dismiss", { ids: [item.id] });
    expect((await inbox(bob)).items).toHaveLength(1);
  });
});

describe("people who can be named", () => {
  test("are those known by name but the caller, those connected first, told apart by their id", async () => {
    const other = await gateway.connect(personSpec("bob@y.org"));
    const { id } = await selfOf(other);
    other.close();
    await other.ended();
    const { users, truncated } = await ann.call("users.mentionable", { agentId: "main", query: "BO" });
    expect(truncated).toBe(false);
    expect(
      users.map(({ displayName, online }: { displayName: string; online: boolean }) => [displayName, online]),
    ).toEqual([
      [`bob (${bobId.slice(0, 8)})`, true],
      [`bob (${id.slice(0, 8)})`, false],
    ]);
    expect((await ann.call("users.mentionable", { agentId: "main", query: "zed" })).users).toEqual([]);
  });

  test("are asked for by an agent or a session that is there", async () => {
    const ask = async (params: object) => (await ann.request("users.mentionable", params)).error.message;
    expect(await ask({ agentId: "nope" })).toBe('Unknown agent id "nope"');
    expect(await ask({ sessionKey: SESSION })).toBe("Session was not found.");
  });
});

describe("refused is a selection", () => {
  test.each([
    ["that does not begin with an at sign", 4, 9],
    ["of the at sign alone", 5, 6],
    ["beyond the text", 5, 99],
  ])("%s", async (_, start, end) => {
    expect((await say(ann, "k", [name(bobId, start, end)])).error.message).toBe(
      "Selected mentions no longer match the message. Select the people again.",
    );
  });

  test.each(["nope", "self"])("of somebody who cannot be told: %s", async (who) => {
    expect((await say(ann, "k", [name(who === "self" ? annId : who)])).error.message).toBe(
      "One or more mentioned people are unavailable. Select the recipients again.",
    );
  });

  test("by a program that is not the page", async () => {
    const tui = { id: "openclaw-tui", mode: "ui", version: "1", platform: "linux" };
    const program = await gateway.connect({ ...personSpec("cat@x.org"), client: tui });
    expect((await say(program, "k", [name(bobId)])).error.message).toBe(
      "Human mentions require a signed-in Control UI chat. Remove the selected mentions to use this mode.",
    );
  });

  test("and a key that stands for other selections", async () => {
    await say(ann, "k", [name(bobId)]);
    expect((await say(ann, "k", [])).error.code).toBe("INVALID_REQUEST");
  });
});
