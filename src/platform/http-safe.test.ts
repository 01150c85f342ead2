import { afterAll, expect, test } from "bun:test";
import { OutboundRefused, postSafely } from "./http-safe.ts";

const seen: { host: string | null; body: string; auth: string | null }[] = [];
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    if (request.url.endsWith("/away")) return Response.redirect("http://127.0.0.1:1/", 302);
    seen.push({
      host: request.headers.get("host"),
      body: await request.text(),
      auth: request.headers.get("authorization"),
    });
    return new Response("thanks", { status: 202 });
  },
});
afterAll(() => server.stop(true));
const { port } = server;
const timeoutMs = 5000;

test("attack 88: local addresses are refused in every spelling, before anything is sent", async () => {
  const hosts = [
    "127.0.0.1",
    "2130706433",
    "0177.0.0.1",
    "0x7f.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "127.0.0.1.",
    "localhost",
  ];
  for (const host of hosts) {
    await expect(postSafely(`http://${host}:${port}/x`, "{}", { timeoutMs })).rejects.toBeInstanceOf(OutboundRefused);
  }
  expect(seen).toEqual([]);
});

test("attack 88: a name with one private address among public ones is refused", async () => {
  const resolve = async () => [
    { address: "93.184.215.14", family: 4 },
    { address: "10.0.0.7", family: 4 },
  ];
  await expect(postSafely(`http://mixed.test:${port}/x`, "{}", { timeoutMs, resolve })).rejects.toThrow("Blocked");
});

test("attack 91: other schemes and credentials in an address are refused", async () => {
  for (const address of ["file:///etc/passwd", "ftp://example.com/", "http://u:p@example.com/", "nonsense"]) {
    await expect(postSafely(address, "{}", { timeoutMs })).rejects.toBeInstanceOf(OutboundRefused);
  }
});

test("attack 89: an allowed host is reached at the address that was judged, by its own name", async () => {
  let asked = 0;
  const resolve = async () => {
    asked++;
    return [{ address: "127.0.0.1", family: 4 }];
  };
  const options = {
    timeoutMs,
    resolve,
    policy: { allowedHostnames: ["Hook.test"] },
    headers: { authorization: "Bearer t" },
  };
  expect(await postSafely(`http://hook.test:${port}/x`, '{"a":1}', options)).toBe(202);
  expect(asked).toBe(1);
  expect(seen).toEqual([{ host: `hook.test:${port}`, body: '{"a":1}', auth: "Bearer t" }]);
});

test("attack 89: a redirect is an answer, not a way", async () => {
  const policy = { allowedHostnames: ["127.0.0.1"] };
  expect(await postSafely(`http://127.0.0.1:${port}/away`, "{}", { timeoutMs, policy })).toBe(302);
});

test("a blocked host stays blocked whatever else is allowed", async () => {
  const policy = { dangerouslyAllowPrivateNetwork: true, blockedHostnames: ["127.0.0.1"] };
  await expect(postSafely(`http://127.0.0.1:${port}/x`, "{}", { timeoutMs, policy })).rejects.toThrow("Blocked");
});
