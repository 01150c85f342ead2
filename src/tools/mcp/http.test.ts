import { describe, expect, test } from "bun:test";
import { McpBench, until } from "./testing/bench.ts";
import { startHttpServer } from "./testing/http-server.ts";

describe.each([
  ["json", "streamable-http"],
  ["events", "streamable-http"],
  ["sse", "sse"],
  ["sse", undefined],
] as const)("a server that answers by %s", (way, transport) => {
  test("gives its tools, with the configured headers on every request", async () => {
    await using server = startHttpServer(way);
    await using bench = new McpBench({ demo: { url: server.url, transport, headers: { "X-Key": "k" } } });
    expect((await bench.names()).slice(0, 2)).toEqual(["demo__echo", "demo__odd-name-"]);
    expect(await bench.said("demo__echo", { text: "hi" })).toBe("echo: hi");
    expect(server.requests.every(({ key }) => key === "k")).toBe(true);
    await bench.said("demo__grow");
    await until(async () => (await bench.names()).includes("demo__grown"));
  });
});

test("a session of streamable HTTP is kept, ended, and begun anew when the server has forgotten it", async () => {
  await using server = startHttpServer("json");
  const bench = new McpBench({ demo: { url: server.url, transport: "streamable-http" } });
  await bench.names();
  const [first, ...others] = server.requests;
  expect(first!.session).toBeNull();
  expect(new Set(others.map(({ session }) => session)).size).toBe(1);
  expect(others.every(({ version }) => version === "2025-11-25")).toBe(true);
  server.forget();
  await expect(bench.run("demo__echo", { text: "x" })).rejects.toThrow("it has forgotten the session");
  bench.clock.advance(1000);
  expect(await bench.said("demo__echo", { text: "y" })).toBe("echo: y");
  await bench.servers.stop();
  expect(server.requests.at(-1)!.method).toBe("DELETE");
});

test("90: headers go to no other host, by a redirect or by a place to post to", async () => {
  for (const [way, transport] of [
    ["moved", "streamable-http"],
    ["moved", "sse"],
    ["elsewhere", "sse"],
  ] as const) {
    await using server = startHttpServer(way);
    await using bench = new McpBench({ demo: { url: server.url, transport, headers: { "X-Key": "k" } } });
    expect(await bench.names()).toEqual([]);
    expect(bench.logged.join()).toMatch(/leads somewhere else|on another host/);
  }
});

test("88: addresses that hand out a machine's keys are not called, nor what is no web address", async () => {
  await using bench = new McpBench({
    cloud: { url: "http://169.254.169.254/mcp" },
    file: { url: "file:///etc/passwd" },
    oauth: { url: "https://mcp.example/", auth: "oauth" },
  });
  expect(await bench.names()).toEqual([]);
  const told = bench.logged.join("\n");
  for (const reason of ["must not be called", "no http or https address", "asks for OAuth"])
    expect(told).toContain(reason);
});

test("a server that cannot be reached is left out, and the others are there", async () => {
  await using server = startHttpServer("json");
  await using bench = new McpBench({
    gone: { url: "http://127.0.0.1:1/mcp", transport: "streamable-http" },
    demo: { url: server.url, transport: "streamable-http" },
  });
  expect((await bench.names())[0]).toBe("demo__echo");
  expect(bench.logged.join()).toContain("it cannot be reached");
});

test("a server that speaks nonsense is left out, and nothing else breaks", async () => {
  for (const way of ["nonsense", "nonsense-events"] as const) {
    await using server = startHttpServer(way);
    await using bench = new McpBench({ demo: { url: server.url, transport: "streamable-http" } });
    expect(await bench.names()).toEqual([]);
    expect(bench.logged.join()).toContain("it sent what is no JSON");
  }
});
