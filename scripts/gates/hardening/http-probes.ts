import { rawRequest } from "../../../src/gateway/testing-raw.ts";
import type { GateContext } from "../../gate/run.ts";
import { RawSocket, request, upgradeLines } from "./sockets.ts";
import { type HardeningTarget, must } from "./target.ts";

const ROUTES = ["/", "/health", "/healthz", "/readyz", "/status", "/metrics", "/rpc", "/rpc/methods", "/hooks/wake"];
const MORE_ROUTES = ["/hooks/agent", "/channels/telegram/webhook", "/assets", "/avatar/main", "/__openclaw/a"];
const CLIMBS = [
  "/../../../../etc/passwd",
  "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
  "/..%2f..%2f..%2fetc/passwd",
  "/%252e%252e/%252e%252e/etc/passwd",
  "/..\\..\\..\\etc\\passwd",
  "/..%5c..%5cetc%5cpasswd",
  "/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
  "/.../...//etc/passwd",
  "/%00/etc/passwd",
  "/;/../openclaw.json",
  "/../openclaw.json",
  "//etc/passwd",
];

/** What can be done to the gateway over HTTP. */
export async function probeHttp({ check, metric }: GateContext, target: HardeningTarget): Promise<void> {
  const raw = async (lines: readonly string[]) => {
    const answer = await rawRequest(target.httpUrl, lines).catch(() => null);
    if (answer !== null) target.saw(answer.text);
    return answer;
  };
  await check("paths that climb out, on every route: nothing of the disk comes back", async () => {
    let count = 0;
    for (const route of [...ROUTES, ...MORE_ROUTES]) {
      for (const climb of CLIMBS) {
        for (const auth of [[], [`Authorization: Bearer ${target.token}`]]) {
          const answer = await raw([`GET ${route}${climb} HTTP/1.1`, "Host: localhost", ...auth]);
          count++;
          const isLeak = /root:|"gateway":\s*{/.test(answer?.text ?? "");
          must(!isLeak && (answer?.statuses[0] ?? 400) !== 500, `${route}${climb}: ${answer?.text.slice(0, 200)}`);
        }
      }
    }
    metric("http.climbs", count, "requests");
  });
  await check("requests that trickle in are ended", async () => {
    const before = target.descriptors;
    const sockets = Array.from({ length: 150 }, () => RawSocket.open(target.url));
    const isHead = (index: number) => index % 2 === 0;
    for (const [index, socket] of sockets.entries()) {
      const head = ["POST /rpc HTTP/1.1", "Host: localhost", `Authorization: Bearer ${target.token}`];
      void socket.send(
        isHead(index)
          ? `${head[0]}\r\nX-A: `
          : request([...head, "Content-Type: application/json", "Content-Length: 9000"]),
      );
    }
    const begun = Date.now();
    while (Date.now() - begun < 45_000 && sockets.some(({ isClosed }) => !isClosed)) {
      await Bun.sleep(2000);
      for (const socket of sockets) void socket.send("a");
    }
    const kept = sockets
      .map(({ isClosed }, index) => (isClosed ? "" : isHead(index) ? "head" : "body"))
      .filter(Boolean);
    metric("http.trickles-kept", kept.length, "of 150");
    metric("http.trickles-seconds", Math.round((Date.now() - begun) / 1000), "s");
    for (const socket of sockets) socket.destroy();
    const count = (what: string) => kept.filter((each) => each === what).length;
    must(kept.length === 0, `after 45 s ${count("head")} heads and ${count("body")} bodies were still awaited`);
    await Bun.sleep(500);
    must(target.descriptors <= before + 5, `${target.descriptors} descriptors, ${before} before`);
    await target.mustServe();
  });
  await check("too many or too long headers, long paths, large bodies: refused", async () => {
    const before = target.memory;
    const get = "GET /status HTTP/1.1";
    const bombs: Record<string, string[]> = {
      "ten thousand headers": [get, "Host: x", ...Array.from({ length: 10_000 }, (_, index) => `X-${index}: a`)],
      "a header of 1 MB": [get, "Host: x", `X-A: ${"a".repeat(1_000_000)}`],
      "a path of 1 MB": [`GET /${"a".repeat(1_000_000)} HTTP/1.1`, "Host: x"],
      "ten thousand cookies": [get, "Host: x", `Cookie: ${"a=b; ".repeat(10_000)}`],
      "a body of 100 MB": ["POST /rpc HTTP/1.1", "Host: x", "Content-Length: 100000000", ""],
      "an upgrade with a header of 1 MB": upgradeLines(target.url, `X-A: ${"a".repeat(1_000_000)}`),
    };
    for (const [name, lines] of Object.entries(bombs)) {
      const answer = await raw(lines);
      const status = answer?.statuses[0] ?? 0;
      must(status === 0 || (status >= 400 && status < 500), `${name}: ${status}`);
    }
    must(target.memory - before < 60, `${(target.memory - before).toFixed(0)} MiB more`);
    await target.mustServe();
  });
  await check("hosts and proxy headers that are made up: refused", async () => {
    for (const host of ["x/../status", "a b", "x@y", "[::1", "x#"]) {
      must((await raw([`GET /status HTTP/1.1`, `Host: ${host}`]))?.statuses[0] === 400, host);
    }
    const proxied = await raw(["GET /status HTTP/1.1", "Host: x", "X-Forwarded-For: 127.0.0.1"]);
    must(proxied?.statuses[0] === 403, proxied?.text);
    const upgrade = await raw(upgradeLines(target.url, "X-Forwarded-For: 127.0.0.1"));
    must(upgrade?.statuses[0] === 403, upgrade?.text);
  });
  await check("bodies that are no call: refused, with the token and without it", async () => {
    const bodies = ["{", "[]", "null", '{"method":"__proto__"}', `${"[".repeat(100_000)}`, '{"method":1}', "\xff\xfe"];
    for (const body of bodies) {
      for (const auth of [[], [`Authorization: Bearer ${target.token}`]]) {
        const lines = ["POST /rpc HTTP/1.1", "Host: x", "Content-Type: application/json", ...auth];
        const answer = await raw([...lines, `Content-Length: ${body.length}`, "", body]);
        const status = answer?.statuses[0] ?? 0;
        must(status >= 400 && status < 500, `${body.slice(0, 20)}: ${status}`);
      }
    }
    await target.mustServe();
  });
  await check("guessed tokens over HTTP: none is let in, and guessing is slowed down", async () => {
    const guess = async (index: number): Promise<number> => {
      const [method, path] = index % 2 ? ["GET", "/status"] : ["POST", "/hooks/wake"];
      const lines = [
        `${method} ${path} HTTP/1.1`,
        "Host: x",
        `Authorization: Bearer guess-${index}`,
        "Content-Length: 0",
      ];
      return (await raw(lines))?.statuses[0] ?? 0;
    };
    // At once, as answers to guesses from this machine come ever later; zero stands for those that have to wait.
    const guesses = Array.from({ length: 60 }, (_, index) =>
      Promise.race([guess(index), Bun.sleep(3000).then(() => 0)]),
    );
    const statuses = await Promise.all(guesses);
    must(
      statuses.every((status) => [0, 401, 429].includes(status)),
      statuses.join(" "),
    );
    const slowed = statuses.filter((status) => status !== 401).length;
    metric("http.guesses-slowed", slowed, "of 60");
    must(slowed > 20, `only ${slowed} of 60 guesses were slowed down`);
    await target.mustServe();
  });
}
