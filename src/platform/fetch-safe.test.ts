import { afterAll, describe, expect, test } from "bun:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { fetchSafely } from "./fetch-safe.ts";
import { OutboundRefused } from "./http-safe.ts";

interface Seen {
  path: string;
  host: string | null;
  key: string | null;
  agent: string | null;
  body: string;
}
const seen: Seen[] = [];

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const { headers } = request;
    const [host, key, agent] = ["host", "x-api-key", "user-agent"].map((name) => headers.get(name));
    seen.push({ path: pathname, host: host!, key: key!, agent: agent!, body: await request.text() });
    const to = searchParams.get("to");
    if (to !== null)
      return new Response(null, { status: Number(searchParams.get("status") ?? 302), headers: { location: to } });
    if (pathname === "/loop") return new Response(null, { status: 302, headers: { location: "/loop" } });
    if (pathname === "/gzip") return packed(gzipSync("packed"), "gzip");
    if (pathname === "/br") return packed(brotliCompressSync("packed"), "br");
    if (pathname === "/bomb") return packed(gzipSync(Buffer.alloc(50_000_000)), "gzip");
    if (pathname === "/broken") return packed(Buffer.from("no gzip"), "gzip");
    if (pathname === "/endless") return new Response(endless());
    if (pathname === "/silent") await Bun.sleep(60_000);
    return new Response("hello", { headers: { "content-type": "text/plain" } });
  },
});
afterAll(() => server.stop(true));

const packed = (bytes: Buffer, encoding: string) => new Response(bytes, { headers: { "content-encoding": encoding } });
const endless = () => new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
const at = (path: string, host = "127.0.0.1") => `http://${host}:${server.port}${path}`;
const to = (path: string, target: string, status = 302) =>
  at(`${path}?status=${status}&to=${encodeURIComponent(target)}`);
const resolve = async () => [{ address: "127.0.0.1", family: 4 }];
const OPTIONS = {
  timeoutMs: 5000,
  maxBytes: 1000,
  maxRedirects: 3,
  policy: { allowedHostnames: ["127.0.0.1"] },
  resolve,
};

describe("a call to an address that somebody chose", () => {
  test("follows redirects and says where it ended", async () => {
    const answer = await fetchSafely(to("/a", "/b"), OPTIONS);
    expect([answer.url, answer.status, String(answer.body)]).toEqual([at("/b"), 200, "hello"]);
    await expect(fetchSafely(to("/a", to("/b", to("/c", to("/d", "/e")))), OPTIONS)).rejects.toThrow("limit: 3");
    await expect(fetchSafely(at("/loop"), OPTIONS)).rejects.toThrow("Redirect loop detected");
  });

  test("reads what is compressed, and no more of it than allowed", async () => {
    expect(String((await fetchSafely(at("/gzip"), OPTIONS)).body)).toBe("packed");
    expect(String((await fetchSafely(at("/br"), OPTIONS)).body)).toBe("packed");
    for (const path of ["/bomb", "/endless"]) {
      const { body, isCut } = await fetchSafely(at(path), OPTIONS);
      expect([body.length, isCut]).toEqual([1000, true]);
    }
    await expect(fetchSafely(at("/broken"), OPTIONS)).rejects.toThrow();
  });

  test("ends when it takes too long or is no longer wanted", async () => {
    await expect(fetchSafely(at("/silent"), { ...OPTIONS, timeoutMs: 50 })).rejects.toThrow("did not answer in time");
    const stop = new AbortController();
    const call = fetchSafely(at("/silent"), { ...OPTIONS, signal: stop.signal });
    stop.abort(new Error("stopped"));
    await expect(call).rejects.toThrow("stopped");
  });

  test("88: a redirect to an address of this machine is refused", async () => {
    for (const host of ["localhost", "2130706433", "[::1]", "169.254.169.254"]) {
      const lookup = async () => [{ address: host === "localhost" ? "127.0.0.1" : host, family: 4 }];
      const call = fetchSafely(to("/a", `http://${host}:${server.port}/inside`), { ...OPTIONS, resolve: lookup });
      if (host !== "2130706433") await expect(call).rejects.toBeInstanceOf(OutboundRefused);
      // The number is the address that the policy allows, in another spelling.
      else await expect(call).resolves.toMatchObject({ url: at("/inside") });
    }
    await expect(fetchSafely(to("/a", "file:///etc/passwd"), OPTIONS)).rejects.toBeInstanceOf(OutboundRefused);
  });

  test("89: a name is looked up once for each hop, and the address that was judged is called", async () => {
    let asked = 0;
    const answers = ["127.0.0.1", "10.0.0.1"];
    const flipping = async () => [{ address: answers[asked++ % 2]!, family: 4 }];
    const policy = { allowedHostnames: ["rebind.test"] };
    const answer = await fetchSafely(at("/x", "rebind.test"), { ...OPTIONS, policy, resolve: flipping });
    expect([answer.status, asked]).toEqual([200, 1]);
    await expect(
      fetchSafely(to("/x", at("/y", "other.test")), {
        ...OPTIONS,
        resolve: async () => [{ address: "10.0.0.1", family: 4 }],
      }),
    ).rejects.toBeInstanceOf(OutboundRefused);
  });

  test("89: a proxy of the environment is not used", async () => {
    const before = { ...process.env };
    Object.assign(process.env, { HTTP_PROXY: "http://127.0.0.1:1", http_proxy: "http://127.0.0.1:1", NO_PROXY: "" });
    try {
      expect((await fetchSafely(at("/direct"), OPTIONS)).status).toBe(200);
    } finally {
      for (const name of ["HTTP_PROXY", "http_proxy", "NO_PROXY"]) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  });

  test("90: credentials and body do not follow a redirect to another origin", async () => {
    const headers = { "X-Api-Key": "secret", "User-Agent": "probe" };
    const policy = { allowedHostnames: ["127.0.0.1", "elsewhere.test"] };
    const post = { ...OPTIONS, policy, headers, method: "POST" as const, body: "private" };
    await fetchSafely(to("/first", at("/there", "elsewhere.test"), 307), post);
    expect(seen.at(-1)).toMatchObject({ path: "/there", key: null, agent: "probe", body: "" });
    await fetchSafely(to("/first", "/same", 307), post);
    expect(seen.at(-1)).toMatchObject({ path: "/same", key: "secret", body: "private" });
    await fetchSafely(to("/first", "/same", 303), post);
    expect(seen.at(-1)).toMatchObject({ path: "/same", key: "secret", body: "" });
  });

  test("policies can block names below a name and spare ranges that proxies use", async () => {
    const call = (host: string, policy: object, address = "127.0.0.1") =>
      fetchSafely(at("/", host), { ...OPTIONS, policy, resolve: async () => [{ address, family: 4 }] });
    const blocked = { blockedHostnames: ["*.ads.test"], dangerouslyAllowPrivateNetwork: true };
    await expect(call("x.ads.test", blocked)).rejects.toBeInstanceOf(OutboundRefused);
    await expect(call("ads.test", blocked)).resolves.toMatchObject({ status: 200 });
    await expect(call("fake.test", {}, "198.18.0.1")).rejects.toBeInstanceOf(OutboundRefused);
  });
});
