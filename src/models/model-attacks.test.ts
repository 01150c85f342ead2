import { afterAll, describe, expect, test } from "bun:test";
import { chatEnd, freshKey, mockProvider } from "../agents/testing/chat-gateway.ts";
import { startTestGateway, type TestGateway } from "../gateway/testing.ts";
import { systemClock } from "../platform/clock.ts";
import { silentLogger } from "../platform/logger.ts";
import { Discovery } from "./discovery.ts";

const KEY = "model-key-0123456789";
const stops: (() => unknown)[] = [];
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
});

/** A server on loopback that remembers the requests it got. */
function listen(answer: (request: Request) => Response | Promise<Response>) {
  const seen: { path: string; headers: Headers; body: string }[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      seen.push({ path: new URL(request.url).pathname, headers: request.headers, body: await request.text() });
      return answer(request);
    },
  });
  stops.push(() => server.stop(true));
  return { url: `http://127.0.0.1:${server.port}`, seen };
}

/** A gateway whose one provider is at this address. */
async function gatewayBefore(url: string): Promise<TestGateway> {
  const gateway = await startTestGateway({ config: mockProvider(`${url}/v1`) });
  stops.push(() => gateway.stop());
  return gateway;
}

/** How a message ends. */
async function ask(gateway: TestGateway) {
  const client = await gateway.connect();
  const { sessionKey, id } = freshKey();
  await client.call("chat.send", { sessionKey, message: "hello", idempotencyKey: id("a") });
  const { payload } = await chatEnd(client, id("a"));
  return { ...payload, frames: JSON.stringify(client.frames) };
}

describe("90: a provider that redirects", () => {
  test.each([301, 302, 307, 308])("%i elsewhere gets neither key nor message there", async (status) => {
    const elsewhere = listen(() => Response.json({}));
    const provider = listen(
      () => new Response(null, { status, headers: { Location: `${elsewhere.url}/v1/chat/completions` } }),
    );
    const end = await ask(await gatewayBefore(provider.url));
    expect(end.state).toBe("error");
    expect(provider.seen).toHaveLength(1);
    expect(provider.seen[0]!.headers.get("authorization")).toBe(`Bearer ${KEY}`);
    expect(elsewhere.seen).toEqual([]);
  });
});

describe("117: a provider that never ends", () => {
  test("its endless error page is read to a bound and its words are cut", async () => {
    const provider = listen(() => new Response(endless("an error ".repeat(1000)), { status: 400 }));
    const end = await ask(await gatewayBefore(provider.url));
    expect(end.state).toBe("error");
    expect(end.errorMessage.length).toBeLessThan(2000);
  });

  test("126: what it says of the key goes no further", async () => {
    const provider = listen(() =>
      Response.json({ error: { message: `Incorrect API key provided: ${KEY}` } }, { status: 401 }),
    );
    const { state, frames } = await ask(await gatewayBefore(provider.url));
    expect(state).toBe("error");
    expect(frames).not.toContain(KEY);
  });
});

describe("93: looking for model servers on this machine", () => {
  test("tells whatever listens there nothing, follows no redirect and believes only a list", async () => {
    const elsewhere = listen(() => Response.json({ data: [{ id: "stolen" }] }));
    const answers = [
      () => Response.redirect(`${elsewhere.url}/models`, 307),
      () => new Response(endless("x".repeat(10_000))),
      () => Response.json({ data: "no list" }),
      () => new Response("[".repeat(100_000)),
    ];
    const servers = answers.map(listen);
    const endpoints = servers.map(({ url }, i) => ({
      provider: `p${i}`,
      name: `p${i}`,
      baseUrl: url,
      list: "openai" as const,
    }));
    const found = await new Discovery({ clock: systemClock, log: silentLogger, endpoints }).servers();
    expect(found).toEqual([]);
    expect(elsewhere.seen).toEqual([]);
    for (const { headers, body } of servers.flatMap(({ seen }) => seen)) {
      expect([headers.get("authorization"), headers.get("cookie"), body]).toEqual([null, null, ""]);
    }
  });

  test("never looks beyond this machine", async () => {
    const endpoints = [{ provider: "x", name: "x", baseUrl: "http://203.0.113.9:1234/v1", list: "openai" as const }];
    expect(await new Discovery({ clock: systemClock, log: silentLogger, endpoints }).servers()).toEqual([]);
  });
});

/** A body that repeats a text for ever, as fast as it is read. */
function endless(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new ReadableStream({
    async pull(controller) {
      await Bun.sleep(0);
      controller.enqueue(bytes);
    },
  });
}
