import { afterEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestGateway, type TestGateway, type TestGatewayOptions } from "../../gateway/testing.ts";
import { ManualClock } from "../../platform/clock.ts";
import { Store } from "../../store/store.ts";
import { channelId } from "../ids.ts";
import { Inbox } from "./inbox.ts";
import { ingressTarget } from "./routes.ts";

let gateway: TestGateway | undefined;
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});

async function start(channels: object, more: TestGatewayOptions = {}): Promise<void> {
  gateway = await startTestGateway({ ...more, config: { channels } as never });
}

async function post(path: string, body: unknown, headers: Record<string, string>) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(gateway!.httpUrl + path, { method: "POST", body: text, headers });
  const answer = await response.text();
  return [response.status, answer.startsWith("{") ? JSON.parse(answer) : answer] as const;
}

const SECRET = "a-webhook-secret-0123456789";
const BEARER = { authorization: `Bearer ${SECRET}` };
const waiting = (channel: string, account = "default") =>
  gateway!.services.ingress.inbox.waiting(channel, account, 100).then((rows) => rows.map(({ event }) => event));

test.each([
  ["/webhooks/tg", { channel: "telegram" }],
  ["/webhooks/telegram/work", { channel: "telegram", account: "work" }],
  ["/channels/wa/webhook", { channel: "whatsapp" }],
  ["/channel/signal-cli/webhook", { channel: "signal" }],
  ["/channel/Line/account/a1/webhook", { channel: "line", account: "a1" }],
  ["/channels/web-chat/accounts/a1/webhook", { channel: "webchat", account: "a1" }],
])("%s is a webhook", (path, target) => {
  expect(ingressTarget(path)).toEqual({ account: undefined, ...target });
});

test.each([
  "/webhooks",
  "/webhooks/",
  "/webhooks/../rpc",
  "/channels/x",
  "/channels/a/b/webhook",
  "/webhooks/a/b/c",
  "/webhooks/%2e",
])("%s is none", (path) => expect(ingressTarget(path)).toBeNull());

test("channels have one name", () => {
  expect(["TG", "teams", "gchat", "bb", "nc", "lark", "irc"].map(channelId)).toEqual([
    "telegram",
    "msteams",
    "googlechat",
    "bluebubbles",
    "nextcloud-talk",
    "feishu",
    "irc",
  ]);
});

describe("events", () => {
  test("come alone, in an envelope, in a list and as events, and wait in their order", async () => {
    await start({ telegram: { webhookSecret: SECRET } });
    const bodies = [
      { update_id: 1 },
      [{ update_id: 2 }, { update_id: 1 }],
      { events: [{ update_id: 3 }] },
      { type: "new-message", data: { guid: "g" } },
      { events: [] },
    ];
    const answers = [];
    for (const body of bodies) answers.push(await post("/webhooks/tg", body, BEARER));
    expect(answers.map(([status]) => status)).toEqual([202, 202, 202, 202, 202]);
    expect(answers.map(([, { accepted, duplicates }]) => [accepted, duplicates])).toEqual([
      [1, 0],
      [1, 1],
      [1, 0],
      [1, 0],
      [0, 0],
    ]);
    expect(await waiting("telegram")).toEqual([
      { update_id: 1 },
      { update_id: 2 },
      { update_id: 3 },
      { type: "new-message", data: { guid: "g" } },
    ]);
  });

  test("that are none are refused", async () => {
    await start({ telegram: { webhookSecret: SECRET } });
    for (const body of ["{", "3", '[{"a":1}, 2]', JSON.stringify(Array.from({ length: 201 }, (_, n) => ({ n })))]) {
      expect((await post("/webhooks/tg", body, BEARER))[0]).toBe(400);
    }
    expect((await post("/webhooks/tg", { text: "x".repeat(1_100_000) }, BEARER))[0]).toBe(413);
    expect(await waiting("telegram")).toEqual([]);
  });

  test("98: are taken once, also written otherwise, under another name and after a restart", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "chela-inbox-"));
    try {
      await start({ zalo: { webhookSecret: SECRET } }, { stateDir });
      expect((await post("/webhooks/zl", '{"a":1,"b":{"c":2,"d":3}}', BEARER))[1]).toMatchObject({ accepted: 1 });
      const [first] = await gateway!.services.ingress.inbox.waiting("zalo", "default", 1);
      await gateway!.services.ingress.inbox.taken([first!.seq]);
      await gateway!.stop();
      await start({ zalo: { webhookSecret: SECRET } }, { stateDir });
      const again = await post("/channel/zalo/webhook?x=1", '{ "b": {"d":3, "c":2}, "a":1 }', BEARER);
      expect(again).toEqual([202, { ok: true, accepted: 0, duplicates: 1 }]);
      expect(await waiting("zalo")).toEqual([]);
    } finally {
      await gateway?.stop();
      gateway = undefined;
      rmSync(stateDir, { recursive: true, force: true });
    }
  });
});

describe("who may post", () => {
  test("96: an account without a secret takes nothing, whatever is sent along", async () => {
    await start({ telegram: { botToken: "1:a" }, line: { channelSecret: "" }, zalo: { webhookSecret: "  " } });
    for (const channel of ["telegram", "line", "zalo"]) {
      const [status, body] = await post(
        `/webhooks/${channel}`,
        { update_id: 1 },
        { authorization: "Bearer ", "x-line-signature": "" },
      );
      expect([status, body.error]).toEqual([503, `no webhook secret is configured for channel ${channel}`]);
    }
    expect((await post("/webhooks/discord", {}, BEARER))[0]).toBe(404);
  });

  test("a channel, or an account, that is not there or switched off is not found", async () => {
    await start({
      telegram: { webhookSecret: SECRET, accounts: { a: {}, b: { enabled: false } } },
      zalo: { enabled: false, webhookSecret: SECRET },
    });
    expect((await post("/webhooks/telegram/c", {}, BEARER))[0]).toBe(404);
    expect((await post("/webhooks/telegram/b", {}, BEARER))[0]).toBe(404);
    expect((await post("/webhooks/zalo", {}, BEARER))[0]).toBe(404);
    expect((await post("/webhooks/telegram/a", {}, BEARER))[0]).toBe(202);
  });

  test("105: a call that two accounts could claim goes to neither", async () => {
    await start({
      telegram: {
        accounts: {
          a: { webhookSecret: SECRET },
          b: { webhookSecret: SECRET },
          c: { webhookSecret: "another-0123456789" },
        },
      },
    });
    expect((await post("/webhooks/telegram", { update_id: 1 }, BEARER))[0]).toBe(409);
    expect((await post("/webhooks/telegram/b", { update_id: 1 }, BEARER))[0]).toBe(202);
    expect(
      (
        await post("/webhooks/telegram", { update_id: 2 }, { "x-telegram-bot-api-secret-token": "another-0123456789" })
      )[0],
    ).toBe(202);
    expect([
      await waiting("telegram", "a"),
      (await waiting("telegram", "b")).length,
      (await waiting("telegram", "c")).length,
    ]).toEqual([[], 1, 1]);
  });

  test("99: guesses are told to wait, and the right secret is served", async () => {
    await start({ telegram: { webhookSecret: SECRET } }, { clock: new ManualClock() });
    const guess = async (token: string) =>
      (await post("/webhooks/tg", { update_id: 1 }, { authorization: `Bearer ${token}` }))[0];
    for (let i = 0; i < 20; i++) expect(await guess(`wrong${i}`)).toBe(401);
    expect(await guess("wrong")).toBe(429);
    expect(await guess(SECRET)).toBe(202);
    expect(await guess(gateway!.token)).toBe(401);
  });
});

test("103: events that nest too deep are refused in words", async () => {
  await start({ telegram: { webhookSecret: SECRET } });
  const [status, { error }] = await post("/webhooks/tg", `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, BEARER);
  expect([status, error]).toEqual([400, "the body nests too deep"]);
});

/** Published examples, and one computed by the documents of the services. */
describe("signatures", () => {
  test("of LINE, WhatsApp and Nextcloud Talk are held against the raw body", async () => {
    await start({
      line: { channelSecret: "linesecret" },
      whatsapp: { appSecret: "appsecret" },
      "nextcloud-talk": { botSecret: "ncsecret" },
    });
    const line = '{"events":[],"destination":"U0"}';
    const signature = { "x-line-signature": "aCsSSINU07ivCv6R6t1DzClmIbVf4trkHazcckdjciA=" };
    expect((await post("/webhooks/line", line, signature))[0]).toBe(202);
    expect((await post("/webhooks/line", `${line} `, signature))[0]).toBe(401);
    const hub = { "x-hub-signature-256": "sha256=f6491327cb5b041cdf4fe69b94711c7b68bb0aef719854bae676a59788a2b6b6" };
    expect((await post("/webhooks/wa", '{"object":"whatsapp_business_account"}', hub))[0]).toBe(202);
    expect(
      (await post("/webhooks/wa", '{"object":"whatsapp_business_account"}', { "x-hub-signature-256": "" }))[0],
    ).toBe(401);
    const talk = {
      "x-nextcloud-talk-random": "a".repeat(64),
      "x-nextcloud-talk-signature": "cceb6c597e091fb258bb92b3341b2abe710dc9ea79ac648949bec3461c0aceeb",
    };
    expect((await post("/webhooks/nc", '{"type":"Create"}', talk))[0]).toBe(202);
    expect(
      (await post("/webhooks/nc", '{"type":"Create"}', { ...talk, "x-nextcloud-talk-random": "b".repeat(64) }))[0],
    ).toBe(401);
    expect((await post("/webhooks/line", { pad: "x".repeat(70_000) }, signature))[0]).toBe(413);
  });

  test("of Slack count for five minutes", async () => {
    const clock = new ManualClock();
    await start({ slack: { signingSecret: "slack-secret-0123" } }, { clock });
    const body = '{"event_id":"E1"}';
    const sign = (seconds: number) => ({
      "x-slack-request-timestamp": String(seconds),
      "x-slack-signature": `v0=${createHmac("sha256", "slack-secret-0123").update(`v0:${seconds}:${body}`).digest("hex")}`,
    });
    const now = clock.now() / 1000;
    expect((await post("/webhooks/slack", body, sign(now - 301)))[0]).toBe(401);
    expect(
      (await post("/webhooks/slack", body, { ...sign(now), "x-slack-request-timestamp": String(now - 1) }))[0],
    ).toBe(401);
    expect((await post("/webhooks/slack", body, sign(now - 299)))[0]).toBe(202);
  });
});

test("the inbox is bounded in events and bytes, takes all of a batch or nothing, and forgets in time", async () => {
  const store = Store.open(":memory:");
  const clock = new ManualClock();
  const limits = { channelInboxEvents: 3, channelInboxBytes: 60, channelInboxTtlMs: 1000, channelInboxKeys: 1 };
  const inbox = new Inbox(store, clock, limits);
  const event = (key: string, text = "") => ({ key, event: { text } });
  let arrivals = 0;
  inbox.onArrival(() => arrivals++);
  expect(await inbox.add("a", "x", [event("1"), event("2")])).toEqual({ accepted: 2 });
  expect(await inbox.add("a", "x", [event("3"), event("4")])).toBe("full");
  expect(await inbox.add("a", "x", [event("3", "y".repeat(60))])).toBe("full");
  expect((await inbox.waiting("a", "x", 10)).length).toBe(2);
  expect(arrivals).toBe(1);
  const rows = await inbox.waiting("a", "x", 10);
  await inbox.taken(rows.map(({ seq }) => seq));
  // Of those that were taken the newest key is known still.
  expect(await inbox.add("a", "x", [event("2"), event("1")])).toEqual({ accepted: 1 });
  expect(await inbox.add("b", "x", [event("2")])).toEqual({ accepted: 1 });
  clock.advance(1000);
  expect(await inbox.add("a", "x", [event("1"), event("2"), event("3")])).toEqual({ accepted: 3 });
  await store.close();
});
