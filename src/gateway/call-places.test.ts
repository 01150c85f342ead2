import { afterEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../generated/limits.ts";
import { HOOK_TOKEN, type HooksGateway, startHooksGateway } from "../hooks/testing.ts";
import { CallPlaces } from "./call-places.ts";

describe("places of calls", () => {
  test("are all for those who are known, and come back once", () => {
    const places = new CallPlaces(16);
    const known = Array.from({ length: 16 }, () => places.take(undefined)!);
    expect(places.take(undefined)).toBeNull();
    known[0]!();
    known[0]!();
    expect(places.take(undefined)).not.toBeNull();
    expect(places.take(undefined)).toBeNull();
  });

  test("are half for strangers, and an eighth for those of one network", () => {
    const places = new CallPlaces(16);
    const first = [places.take("a"), places.take("a")];
    expect(places.take("a")).toBeNull();
    for (const network of ["b", "c", "d"]) for (const _ of [1, 2]) expect(places.take(network)).not.toBeNull();
    expect(places.take("e")).toBeNull();
    first[0]!();
    expect(places.take("e")).not.toBeNull();
    for (let place = 0; place < 8; place++) expect(places.take(undefined)).not.toBeNull();
  });
});

describe("slow strangers", () => {
  const SECRET = "a-secret-of-a-channel-0123456789";
  let gateway: HooksGateway;
  const sockets: { end(): void }[] = [];
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.end();
    await gateway.stop();
  });

  /** A call that never ends its body. Resolves when it is refused, or has been looked at for a while. */
  async function stall(path: string, headers: Record<string, string>): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const lines = Object.entries({ host: "127.0.0.1", "content-length": "100", ...headers });
    const head = `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n{`;
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: gateway.gateway.port,
      socket: { open: (opened) => void opened.write(head), data: (_, data) => resolve(data.toString()) },
    });
    sockets.push(socket);
    return promise;
  }

  test.each([
    ["/hooks/wake", { "webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA" }, HOOK_TOKEN],
    ["/webhooks/slack", {}, SECRET],
  ])("103: without a secret do not keep those who know it from %s", async (path, headers, secret) => {
    const channels = { slack: { botToken: "xoxb", signingSecret: "s".repeat(32), webhookSecret: SECRET } };
    gateway = await startHooksGateway({ signing: { secret: "s".repeat(32) } }, { config: { channels } as never });
    const calls = Array.from({ length: LIMITS.hookRequestsAtOnce }, () => stall(path, headers));
    // All but an eighth are refused, after which those are known to wait for their bodies.
    let refused = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const call of calls) {
      void call.then((answer) => {
        expect(answer).toContain("HTTP/1.1 503");
        if (++refused === LIMITS.hookRequestsAtOnce * (7 / 8)) resolve();
      });
    }
    await promise;
    const body = { text: "from a friend", mode: "next-heartbeat" };
    expect((await gateway.hook(path, body, { authorization: `Bearer ${secret}` })).body).toMatchObject({ ok: true });
  });
});
