import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Authorizer } from "./authorizer.ts";
import { INTERNALS } from "./fuzzing.ts";
import { ALL_SCOPES, startTestGateway, type TestGateway } from "./testing.ts";
import { rawRequest } from "./testing-raw.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const raw = (request: string | readonly string[]) => rawRequest(gateway.httpUrl, request);
const auth = () => `Authorization: Bearer ${gateway.token}`;
const bearer = () => ({ Authorization: `Bearer ${gateway.token}` });
const CALL = '{"method":"health"}';
const HIDDEN = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
const post = (...headers: string[]) => [
  "POST /rpc HTTP/1.1",
  "Host: x",
  auth(),
  "Content-Type: application/json",
  ...headers,
];

describe("111: requests that two readers could cut differently are refused", () => {
  const size = CALL.length.toString(16);
  const chunked = `${size}\r\n${CALL}\r\n0\r\n\r\n`;
  const cases: [name: string, headers: string[], body: string][] = [
    [
      "two lengths",
      [`Content-Length: ${CALL.length}`, `Content-Length: ${CALL.length + HIDDEN.length}`],
      CALL + HIDDEN,
    ],
    ["a list of lengths", [`Content-Length: ${CALL.length}, ${CALL.length}`], CALL],
    ["a signed length", [`Content-Length: +${CALL.length}`], CALL],
    ["a negative length", ["Content-Length: -1"], CALL],
    ["a hexadecimal length", ["Content-Length: 0x13"], CALL],
    ["a length beyond all bounds", ["Content-Length: 99999999999999999999999"], CALL],
    ["length and chunks", ["Transfer-Encoding: chunked", "Content-Length: 3"], `0\r\n\r\n${HIDDEN}`],
    ["an unknown coding", ["Transfer-Encoding: xchunked"], chunked + HIDDEN],
    ["a coding behind chunked", ["Transfer-Encoding: chunked, identity"], chunked],
    ["two codings", ["Transfer-Encoding: chunked", "Transfer-Encoding: x"], chunked],
    ["a space before the colon", ["Transfer-Encoding : chunked", `Content-Length: ${CALL.length}`], CALL],
    ["a size that is no number", ["Transfer-Encoding: chunked"], `zz\r\n${CALL}\r\n0\r\n\r\n`],
    ["a negative size", ["Transfer-Encoding: chunked"], `-1\r\n${CALL}\r\n0\r\n\r\n`],
    ["a size beyond all bounds", ["Transfer-Encoding: chunked"], `ffffffffffffffffff\r\n${CALL}\r\n0\r\n\r\n`],
    ["chunks with bare line feeds", ["Transfer-Encoding: chunked"], `${size}\n${CALL}\n0\n\n`],
    ["a folded header", ["X-A: b", " c"], ""],
    ["a NUL in a header", ["X-A: b\0c"], ""],
    ["a carriage return in a header", ["X-A: b\rc"], ""],
  ];
  test.each(cases)("%s", async (_name, headers, body) => {
    const { statuses } = await rawRequest(gateway.httpUrl, [...post(...headers), "", body].join("\r\n"), () => false);
    expect(statuses).toEqual([400]);
  });

  test("what is no HTTP/1.1 is answered and closed", async () => {
    for (const text of [
      "\x16\x03\x01\x02\x00\x01\x00",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "GET /healthz HTTP/1.1\nHost: x\n\n",
    ]) {
      const { statuses, closed } = await rawRequest(gateway.httpUrl, text, () => false);
      expect(statuses[0]).toBeGreaterThanOrEqual(400);
      expect(closed).toBe(true);
    }
  });

  test("pipelined requests are answered in order, one each", async () => {
    const text = `${HIDDEN}GET /nope HTTP/1.1\r\nHost: x\r\n${auth()}\r\n\r\n${HIDDEN}`;
    const { statuses } = await rawRequest(
      gateway.httpUrl,
      text,
      (got) => (got.match(/HTTP\/1\.1/g)?.length ?? 0) === 3,
    );
    expect(statuses).toEqual([200, 404, 200]);
  });
});

describe("5: the Host header decides no route", () => {
  test.each(["x/../../status?", "a b", "x/status", "127.0.0.1\\status", "x#", "x@y", "a:b:c", "[::1"])(
    "%j is refused",
    async (host) => {
      const { statuses } = await raw(["GET /healthz HTTP/1.1", `Host: ${host}`]);
      expect(statuses).toEqual([400]);
    },
  );

  test("two of them are refused", async () => {
    expect((await raw(["GET /healthz HTTP/1.1", "Host: a", "Host: b"])).statuses).toEqual([400]);
  });

  test.each(["127.0.0.1:18789", "localhost", "gateway.example.org", "[::1]:18789", "UPPER.case"])(
    "%s is served",
    async (host) => {
      expect((await raw(["GET /healthz HTTP/1.1", `Host: ${host}`])).statuses).toEqual([200]);
    },
  );

  test("HTTP/1.0 without Host is served: health checks of proxies send it", async () => {
    expect((await raw(["GET /healthz HTTP/1.0"])).statuses).toEqual([200]);
  });
});

describe("52: one reading of the path for guard and route", () => {
  const forms = [
    "/status",
    "/STATUS",
    "//status",
    "/%73tatus",
    "/x/../status",
    "/x/%2e%2e/status",
    "/x/..%2fstatus",
    "/x/%252e%252e/status",
    "/status/",
    "/status;a=b",
    "/rpc/methods%00",
    "/./rpc/methods",
    "http://127.0.0.1/status",
    "/metrics?x=/healthz",
    "/healthz/../metrics",
    "/healthz%2f..%2fmetrics",
  ];
  test.each(forms)("%s tells nothing without credentials", async (path) => {
    const { statuses, text } = await raw([`GET ${path} HTTP/1.1`, "Host: x"]);
    expect([400, 401, 404]).toContain(statuses[0]!);
    expect(text).not.toContain("gatewayVersion");
    expect(text).not.toContain("chela_");
  });

  test.each([
    "/assets/..%2f..%2f..%2fetc%2fpasswd",
    "/..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/avatar/..%5c..%5cx",
    "//etc/passwd",
  ])("53: %s reads no file", async (path) => {
    const { statuses, text } = await raw([`GET ${path} HTTP/1.1`, "Host: x", auth()]);
    expect(statuses).toEqual([404]);
    expect(text).not.toContain("root:");
  });
});

describe("51: pages of other sites", () => {
  test("get no leave to read or to send JSON", async () => {
    const answer = await fetch(`${gateway.httpUrl}/rpc`, {
      method: "OPTIONS",
      headers: { Origin: "https://evil.example", "Access-Control-Request-Method": "POST" },
    });
    expect(answer.status).toBe(405);
    expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  test("cannot post without credentials, whatever the content type", async () => {
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/json",
    ]) {
      const headers = { Origin: "https://evil.example", "Content-Type": type };
      const answer = await fetch(`${gateway.httpUrl}/rpc`, { method: "POST", headers, body: CALL });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    }
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "text/json", "application/jsonx", ""])(
    "even with credentials the content type %j is refused",
    async (type) => {
      const body = new Blob([CALL]);
      const headers = { ...bearer(), ...(type && { "Content-Type": type }) };
      expect((await fetch(`${gateway.httpUrl}/rpc`, { method: "POST", headers, body })).status).toBe(415);
    },
  );
});

describe("32: HTTP asks for the same scopes as the socket", () => {
  let scoped: TestGateway;
  beforeAll(async () => {
    scoped = await startTestGateway({ prepare: () => {}, authorizer: byHeader() });
  });
  afterAll(() => scoped.stop());

  /** Lets everybody in with the scopes that a header names. */
  function byHeader(): Authorizer {
    return {
      connect: () => Promise.reject(new Error("not asked for here")),
      page: () => Promise.reject(new Error("not asked for here")),
      async http(headers) {
        const scopes = new Set((headers.get("x-test-scopes") ?? "").split(",").filter(Boolean));
        const client = { id: "http", mode: "backend", version: "0", platform: "http" };
        return {
          connId: "h",
          role: "operator",
          scopes,
          client,
          caps: new Set(),
          isLocal: true,
          authMethod: "http",
          protocol: 4,
        };
      },
    };
  }

  const call = (method: string, scopes: string) =>
    fetch(`${scoped.httpUrl}/rpc`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "x-test-scopes": scopes },
      body: JSON.stringify({ method, params: { enabled: false } }),
    });

  test("a reader may not write, and is told what is missing", async () => {
    const answer = await call("set-heartbeats", "operator.read");
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({
      error: { details: { code: "MISSING_SCOPE", missingScope: "operator.admin" } },
    });
    expect(await scoped.services.heartbeats.enabled()).toBe(true);
  });

  test.each(["/metrics", "/status", "/rpc/methods"])("%s is for readers", async (path) => {
    const get = (scopes: string) => fetch(scoped.httpUrl + path, { headers: { "x-test-scopes": scopes } });
    expect((await get("operator.pairing")).status).toBe(403);
    expect((await get("")).status).toBe(403);
    expect((await get("operator.read")).status).toBe(200);
  });

  test("a header of the caller's own grants nothing", async () => {
    const headers = { "x-openclaw-scopes": ALL_SCOPES.join(","), "x-scopes": "operator.admin" };
    expect((await fetch(`${gateway.httpUrl}/status`, { headers })).status).toBe(401);
  });
});

describe("103: credentials come before the body", () => {
  test("a wrong secret is answered without waiting for the body", async () => {
    const { statuses } = await raw([
      "POST /rpc HTTP/1.1",
      "Host: x",
      "Authorization: Bearer wrong",
      "Content-Type: application/json",
      "Content-Length: 100000",
    ]);
    expect(statuses).toEqual([401]);
  });

  test("a body above the bound is refused by its length alone", async () => {
    expect((await raw(post("Content-Length: 2000000"))).statuses).toEqual([413]);
  });

  test("a chunked body is cut off at the bound", async () => {
    const chunk = `ffff\r\n${"a".repeat(65_535)}\r\n`;
    const text = `${post("Transfer-Encoding: chunked").join("\r\n")}\r\n\r\n${chunk.repeat(40)}`;
    expect((await raw(text)).statuses).toEqual([413]);
  });

  test("whoever is slow for long is cut off: in the headers, in the body, between requests, or saying nothing", async () => {
    const impatient = await startTestGateway({ limits: { httpIdleTimeoutMs: 1000 } });
    const head = post("Content-Length: 1000").join("\r\n").replace(gateway.token, impatient.token);
    const starts = ["", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ", `${head}\r\n\r\n{`, HIDDEN];
    const ends = await Promise.all(starts.map((start) => rawRequest(impatient.httpUrl, start, () => false)));
    expect(ends.map(({ closed, statuses }) => [closed, ...statuses])).toEqual([[true], [true], [true], [true, 200]]);
    await impatient.stop();
  }, 30_000);
});

describe("answers over HTTP", () => {
  test("34: no endpoint runs tools", async () => {
    for (const tool of ["exec", "sessions_spawn", "gateway"]) {
      const headers = { ...bearer(), "Content-Type": "application/json" };
      const answer = await fetch(`${gateway.httpUrl}/tools/invoke`, {
        method: "POST",
        headers,
        body: JSON.stringify({ tool }),
      });
      expect(answer.status).toBe(404);
    }
  });

  test("104: any number of different addresses leaves nothing behind", async () => {
    for (let i = 0; i < 500; i++) await fetch(`${gateway.httpUrl}/nope?n=${i}`);
    const text = await (await fetch(`${gateway.httpUrl}/metrics`, { headers: bearer() })).text();
    expect(text).not.toContain("nope");
  });

  test("an error shows no internals, whatever the method", async () => {
    for (const method of ["__proto__", "constructor", "chat.send", "status", "x".repeat(100_000), "\u0000"]) {
      for (const params of [null, [], 5, "x", { __proto__: null }, { sessionKey: {} }]) {
        const headers = { ...bearer(), "Content-Type": "application/json" };
        const answer = await fetch(`${gateway.httpUrl}/rpc`, {
          method: "POST",
          headers,
          body: JSON.stringify({ method, params }),
        });
        const text = await answer.text();
        expect(answer.status).toBeLessThan(500);
        expect(INTERNALS.test(text)).toBe(false);
        expect(text).not.toContain(import.meta.dir);
      }
    }
  });

  test("JSON of hostile shapes is refused, not fatal", async () => {
    const bodies = [
      "[".repeat(100_000),
      '{"a":'.repeat(100_000),
      '"\\ud800"',
      '{"__proto__":{"method":"health"}}',
      "1e999",
    ];
    for (const body of bodies) {
      const headers = { ...bearer(), "Content-Type": "application/json" };
      expect((await fetch(`${gateway.httpUrl}/rpc`, { method: "POST", headers, body })).status).toBe(400);
    }
  });
});
