import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startTestGateway, TEST_TOKEN, type TestClient, type TestGateway } from "../gateway/testing.ts";

let gateway: TestGateway;
let client: TestClient;
beforeAll(async () => {
  gateway = await startTestGateway({
    config: {
      gateway: { auth: { mode: "token", token: TEST_TOKEN } },
      models: { providers: { mock: { baseUrl: "http://127.0.0.1:9/v1", apiKey: stored("MOCK_KEY"), models: [] } } },
    } as never,
  });
  client = await gateway.connect();
});
afterAll(() => gateway.stop());

const stored = (id: string) => ({ source: "store", provider: "default", id });
const set = (name: string, value: string, more = {}) =>
  client.request("secrets.store.set", { name, value, kind: "secret", ...more });
const apiKey = (): unknown => gateway.services.config.current.models?.providers?.mock?.apiKey;

describe("secrets.store", () => {
  test("gives a reference its value, a new value, and takes it away", async () => {
    expect(apiKey()).toEqual(stored("MOCK_KEY"));
    expect((await set("MOCK_KEY", "sesame-one")).payload).toEqual({ ok: true, reloaded: true, warningCount: 0 });
    expect(apiKey()).toBe("sesame-one");
    await set("MOCK_KEY", "sesame-two");
    expect(apiKey()).toBe("sesame-two");
    const gone = await client.call("secrets.store.delete", { name: "MOCK_KEY" });
    expect(gone).toEqual({ ok: true, reloaded: true, warningCount: 1 });
    expect(apiKey()).toEqual(stored("MOCK_KEY"));
    expect(await client.call("secrets.store.delete", { name: "MOCK_KEY" })).toMatchObject({ ok: true });
  });

  test("reloads nothing for a name that nothing refers to", async () => {
    expect((await set("OTHER", "value-of-other")).payload).toEqual({ ok: true, reloaded: false });
    expect(await client.call("secrets.reload")).toEqual({ ok: true, warningCount: 1 });
  });

  test("37: shows values of env entries and never those of secrets", async () => {
    await set("HIDDEN", "sesame-hidden", { allowedHosts: ["API.example.com", "api.example.com."] });
    await set("SHOWN", "in the open", { kind: "env" });
    const { entries } = await client.call("secrets.store.list");
    expect(entries).toContainEqual(expect.objectContaining({ name: "SHOWN", kind: "env", value: "in the open" }));
    const hidden = entries.find(({ name }: { name: string }) => name === "HIDDEN")!;
    expect(hidden).toMatchObject({ kind: "secret", allowedHosts: ["api.example.com"], updatedBy: "gateway-client" });
    const answers = [entries, await client.call("config.get"), await client.call("status")];
    expect(JSON.stringify(answers)).not.toContain("sesame-hidden");
  });

  test("keeps the hosts of an entry that gets a new value", async () => {
    await set("BOUND", "sesame-1", { allowedHosts: ["a.example.com"] });
    await set("BOUND", "sesame-2");
    const { entries } = await client.call("secrets.store.list");
    expect(entries.find(({ name }: { name: string }) => name === "BOUND")).toMatchObject({
      allowedHosts: ["a.example.com"],
    });
  });

  test("outlives the gateway, and lets it start with a token from the store", async () => {
    await set("GATEWAY_TOKEN", "token-from-the-store-1234");
    const { stateDir } = gateway;
    const other = await startTestGateway({
      stateDir,
      config: { gateway: { auth: { mode: "token", token: stored("GATEWAY_TOKEN") } } } as never,
    });
    expect(other.services.config.current.gateway.auth.token).toBe("token-from-the-store-1234");
    await other.stop();
    expect(readFileSync(join(stateDir, "openclaw.json"), "utf8")).not.toContain("token-from-the-store-1234");
  });
});

describe("secrets.store.set refuses", () => {
  test.each([
    ["", {}, "Secret store value is empty. Secret entries require a value; check the command that produced it."],
    ["ü".repeat(40_000), {}, "Secret store value exceeds 65536 UTF-8 bytes."],
    ["v", { kind: "env", allowedHosts: ["a.example.com"] }, "Allowed hosts apply only to secret entries."],
    [
      "v",
      { allowedHosts: ["*.example.com"] },
      'Allowed host "*.example.com" cannot contain a wildcard; use one exact hostname.',
    ],
    ["v", { allowedHosts: ["https://example.com/x"] }, 'Allowed host "https://example.com/x" is not a hostname.'],
  ])("%#", async (value, more, message) => {
    expect((await set("REFUSED", value, more)).error.message).toBe(message);
  });

  test("40: what stands for a secret that was hidden", async () => {
    const { error } = await set("REFUSED", "__OPENCLAW_REDACTED__");
    expect(error.message).toStartWith('Secret store entry "REFUSED" contains a redaction placeholder.');
    const { entries } = await client.call("secrets.store.list");
    expect(entries.map(({ name }: { name: string }) => name)).not.toContain("REFUSED");
  });
});

test("a reload that would leave the gateway without its own secret changes nothing", async () => {
  const { config } = gateway.services;
  const own = { mode: "token", token: stored("OWN_TOKEN") };
  await set("OWN_TOKEN", TEST_TOKEN);
  const { hash } = await client.call("config.get");
  const patch = { gateway: { auth: own } };
  expect((await client.request("config.patch", { raw: JSON.stringify(patch), baseHash: hash })).ok).toBe(true);
  expect(config.current.gateway.auth.token).toBe(TEST_TOKEN);
  const gone = await client.call("secrets.store.delete", { name: "OWN_TOKEN" });
  expect(gone).toMatchObject({ ok: true, reloaded: false });
  expect(config.current.gateway.auth.token).toBe(TEST_TOKEN);
  const { error } = await client.request("secrets.reload");
  expect(error).toMatchObject({ code: "UNAVAILABLE" });
});
