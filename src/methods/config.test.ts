import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startTestGateway, TEST_TOKEN, type TestClient, type TestGateway } from "../gateway/testing.ts";

let gateway: TestGateway;
let client: TestClient;
beforeAll(async () => {
  gateway = await startTestGateway({ config: { channels: { telegram: { botToken: "123456:bot-secret" } } } });
  client = await gateway.connect();
});
afterAll(() => gateway.stop());

const rewrite = (text: string): void => {
  writeFileSync(gateway.services.config.path, text);
  gateway.services.config.refresh();
};

describe("config.get", () => {
  test("attack 37: shows whoever may read no secret, in no copy", async () => {
    const reader = await gateway.connect({ scopes: ["operator.read"] });
    const text = JSON.stringify(await reader.call("config.get"));
    expect(text).toContain("__OPENCLAW_REDACTED__");
    expect(text).not.toContain(TEST_TOKEN);
    expect(text).not.toContain("bot-secret");
  });

  test("takes no params", async () => {
    const { error } = await client.request("config.get", { __unexpected: true });
    expect(error.message).toBe("invalid config.get params: at root: unexpected property '__unexpected'");
  });
});

describe("a changed config file", () => {
  const auth = { mode: "token", token: TEST_TOKEN };

  test("17: is in force for the next connection, ends those of the old secret, and config.get says so", async () => {
    const before = await client.call("config.get");
    rewrite(JSON.stringify({ gateway: { auth: { mode: "token", token: "another-token-1234" } } }));
    const { error } = await (await gateway.open()).request("connect", {
      minProtocol: 4,
      maxProtocol: 4,
      client: { id: "gateway-client", version: "1", platform: "linux", mode: "backend" },
      auth: { token: TEST_TOKEN },
    });
    expect(error.message).toContain("unauthorized");
    expect(await client.ended()).toEqual({ code: 4001, reason: "gateway auth changed" });
    const other = await gateway.connect({ auth: { token: "another-token-1234" } });
    const after = await other.call("config.get");
    expect(after.hash).not.toBe(before.hash);
    expect(after.appliedConfigHash).toBe(after.configRevisionHash);
    rewrite(JSON.stringify({ gateway: { auth } }));
    client = await gateway.connect();
  });

  test("that cannot be used shows in health and config.get, and is gone when it is mended", async () => {
    rewrite("{ gateway: { port: 'x' } }");
    const problem = "line 1: gateway.port: must be a whole number from 0 to 65535, not text";
    expect((await client.call("health")).configReload).toEqual({ hotReloadStatus: "active", problem });
    expect(await client.call("config.get")).toMatchObject({ valid: false, configRevisionHash: null });
    rewrite(JSON.stringify({ gateway: { auth } }));
    expect((await client.call("health")).configReload).toEqual({ hotReloadStatus: "active" });
  });

  test("whose changes wait for a restart is named in health", async () => {
    rewrite(JSON.stringify({ gateway: { auth, port: 1 } }));
    expect((await client.call("health")).configReload).toEqual({
      hotReloadStatus: "active",
      waiting: ["gateway.port"],
    });
    const { appliedConfigHash, configRevisionHash } = await client.call("config.get");
    expect(appliedConfigHash).not.toBe(configRevisionHash);
    rewrite(JSON.stringify({ gateway: { auth } }));
  });

  test("that turns reloading off makes health say so", async () => {
    rewrite(JSON.stringify({ gateway: { auth, reload: { mode: "off" } } }));
    expect((await client.call("health")).configReload).toEqual({ hotReloadStatus: "disabled" });
  });
});

test("logs.tail reads the file that logging.file names", async () => {
  const file = join(gateway.stateDir, "own.log");
  writeFileSync(file, `line one ${TEST_TOKEN}\nline two\n`);
  const other = await startTestGateway({
    config: { logging: { level: "info", consoleLevel: "info", maxFileBytes: 1, file } },
  });
  const reader = await other.connect({ scopes: ["operator.read"] });
  const answer = await reader.call("logs.tail", { limit: 10 });
  expect(answer).toMatchObject({ file, size: answer.cursor, truncated: false, reset: false });
  expect(answer.lines).toEqual(["line one [redacted:known-secret]", "line two"]);
  await other.stop();
});
