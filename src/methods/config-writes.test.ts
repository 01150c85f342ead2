import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startTestGateway, TEST_TOKEN, type TestClient, type TestGateway } from "../gateway/testing.ts";

let gateway: TestGateway;
let client: TestClient;
let path: string;
const REDACTED = "__OPENCLAW_REDACTED__";
const TEXT = `// my gateway
{
  gateway: { mode: "local", auth: { mode: "token", token: "${TEST_TOKEN}" } },
  // where messages come from
  channels: { telegram: { botToken: "123456:bot-secret" } },
  messages: { ackReaction: "\${REACTION}" }, // see .env
  tools: { deny: ["a", "b"] },
}
`;

beforeAll(async () => {
  gateway = await startTestGateway();
  path = gateway.services.config.path;
  writeFileSync(join(gateway.stateDir, ".env"), "REACTION=ok\n");
  client = await gateway.connect();
});
afterAll(() => gateway.stop());
beforeEach(() => {
  writeFileSync(path, TEXT);
  gateway.services.config.refresh();
});

const file = (): string => readFileSync(path, "utf8");
const hash = async (): Promise<string> => (await client.call("config.get")).hash!;
const write = async (method: "config.patch" | "config.apply" | "config.set", value: unknown, more = {}) =>
  client.request(method, { raw: JSON.stringify(value), baseHash: await hash(), ...more });

describe("config.patch", () => {
  test("changes the text where it must and nowhere else", async () => {
    const { payload } = await write("config.patch", { logging: { level: "info" }, tools: { deny: ["a", "b", "c"] } });
    expect(payload).toMatchObject({ ok: true, changedPaths: ["tools.deny", "logging"] });
    expect(file()).toStartWith(TEXT.replace('["a", "b"] },\n}\n', '["a", "b", "c"] },\n'));
    expect(payload.hash).toBe(await hash());
    expect(gateway.services.config.current.logging?.level).toBe("info");
    expect(payload.waitingForRestart).toBeUndefined();
  });

  test("tells whoever may read that there is something new, without saying what", async () => {
    const reader = await gateway.connect({ scopes: ["operator.read"] });
    const { payload } = await write("config.patch", { logging: { level: "info" } });
    const told = await reader.event("config.changed");
    expect(told.payload).toEqual({ path, hash: payload.hash, ts: expect.any(Number) });
  });

  test("names what waits for a restart and keeps it out of what is in force", async () => {
    const { payload } = await write("config.patch", { gateway: { port: 4567 } });
    expect(payload.waitingForRestart).toEqual(["gateway.port"]);
    expect(payload.sentinel).toMatchObject({ payload: { stats: { requiresRestart: true } } });
    expect(gateway.services.config.current.gateway.port).not.toBe(4567);
  });

  test("keeps a copy of the text before and of the last good one, all private", async () => {
    chmodSync(path, 0o644);
    await write("config.patch", { logging: { level: "info" } });
    expect(readFileSync(`${path}.bak`, "utf8")).toBe(TEXT);
    expect(readFileSync(`${path}.last-good`, "utf8")).toBe(file());
    for (const name of [path, `${path}.bak`, `${path}.last-good`]) expect(statSync(name).mode & 0o777).toBe(0o600);
    expect(readdirSync(gateway.stateDir).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("of what the file says already writes nothing and needs no hash", async () => {
    const { payload } = await client.request("config.patch", { raw: "{ gateway: { mode: 'local' } }" });
    expect(payload).toMatchObject({ ok: true, noop: true, changedPaths: [] });
    expect(file()).toBe(TEXT);
  });

  test("removes list elements only where it is told to", async () => {
    const { error } = await write("config.patch", { tools: { deny: ["a"] } });
    expect(error.message).toStartWith(
      "config.patch would remove entries from array path(s): tools.deny. Pass replacePaths",
    );
    const { ok } = await write("config.patch", { tools: { deny: ["a"] } }, { replacePaths: ["tools.deny"] });
    expect(ok).toBe(true);
    expect(file()).toContain('deny: ["a"]');
  });

  test("lists every issue and writes nothing", async () => {
    const { error } = await write("config.patch", {
      gateway: { port: "x", nope: 1 },
      logging: { level: "loud" },
      zap: 1,
    });
    expect(error).toMatchObject({ code: "INVALID_REQUEST" });
    expect((error.details as { issues: unknown[] }).issues).toEqual([
      { path: "gateway.port", message: "Invalid input: expected number, received string" },
      {
        path: "logging.level",
        message: 'Invalid input (allowed: "silent", "fatal", "error", "warn", "info", "debug", "trace")',
        allowedValues: ["silent", "fatal", "error", "warn", "info", "debug", "trace"],
        allowedValuesHiddenCount: 0,
      },
      { path: "gateway", message: 'Unrecognized key: "nope"' },
      { path: "", message: 'Unrecognized key: "zap"' },
    ]);
    expect(file()).toBe(TEXT);
  });

  test("refuses what would lock everybody out", async () => {
    const { error } = await write("config.patch", {
      gateway: { auth: { token: { source: "env", id: "NOT_SET_ANYWHERE" } } },
    });
    expect(error.message).toContain("gateway.auth.token");
    expect(file()).toBe(TEXT);
  });
});

describe("config.set and config.apply", () => {
  test("40: what was read and is given back keeps secrets, references and text", async () => {
    const { parsed, config } = await client.call("config.get");
    for (const given of [parsed, config]) {
      expect((await write("config.apply", given)).ok).toBe(true);
      expect(file()).toStartWith(TEXT.replace(/\}\n$/, ""));
      writeFileSync(path, TEXT);
    }
    const changed = { ...config, channels: { telegram: { botToken: REDACTED, enabled: false } } };
    expect((await write("config.set", changed)).ok).toBe(true);
    expect(file()).toContain('telegram: { botToken: "123456:bot-secret", enabled: false }');
    expect(file()).toContain(`ackReaction: "\${REACTION}" }, // see .env`);
  });

  test("40: the redaction mark is never written", async () => {
    const { error } = await write("config.patch", { gateway: { auth: { password: REDACTED } } });
    expect(error.message).toBe(`Sentinel value "${REDACTED}" in key gateway.auth.password is not valid as real data`);
    const other = await write("config.patch", { ui: { seamColor: REDACTED } });
    expect(other.error.message).toBe(
      `Reserved redaction sentinel "${REDACTED}" is not valid config data (ui.seamColor).`,
    );
    const list = await write("config.patch", {
      channels: { telegram: { accounts: { x: { botToken: `${REDACTED} ` } } } },
    });
    expect(list.ok).toBe(false);
    expect(file()).toBe(TEXT);
  });

  test("refuse to lose most of the file, and keep what was refused", async () => {
    writeFileSync(path, TEXT.replace("// my gateway", `// ${"my gateway ".repeat(40)}`));
    const before = file();
    const { error } = await write("config.set", { tools: {} });
    expect(error.message).toMatch(
      /^Error: Config write rejected: .*\(gateway-mode-removed\)\. Rejected payload saved to /,
    );
    const kept = readdirSync(gateway.stateDir).filter((name) => name.includes(".rejected."));
    expect(kept.length).toBeGreaterThan(0);
    expect(statSync(join(gateway.stateDir, kept[0]!)).mode & 0o777).toBe(0o600);
    expect(file()).toBe(before);
  });

  test("check the hash before they look at the text", async () => {
    const { error } = await client.request("config.set", { raw: "{", baseHash: "old" });
    expect(error.message).toBe("config changed since last load; re-run config.get and retry");
    const second = await client.request("config.set", { raw: "{a:", baseHash: await hash() });
    expect(second.error.message).toBe("SyntaxError: JSON5: invalid end of input at 1:4");
  });

  test("mend a file that cannot be used", async () => {
    writeFileSync(path, "{ gateway: ");
    gateway.services.config.refresh();
    const given = { gateway: { mode: "local", auth: { mode: "token", token: TEST_TOKEN } } };
    expect((await write("config.patch", given)).error.message).toBe("invalid config; fix before patching");
    expect((await write("config.set", given)).ok).toBe(true);
    expect(await client.call("config.get")).toMatchObject({ valid: true, parsed: { gateway: { mode: "local" } } });
  });
});

describe("attacks", () => {
  test("41: prototype keys of a patch change nothing", async () => {
    const raw = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    const { payload } = await client.request("config.patch", { raw, baseHash: await hash() });
    expect(payload).toMatchObject({ noop: true, changedPaths: [] });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test("42: a write without the state it was made for is refused, and so is the 31st within a minute", async () => {
    const raw = '{"messages":{"ackReaction":"x"},"logging":{"level":"info"}}';
    const { error } = await client.request("config.patch", { raw });
    expect(error.message).toBe(
      "config base hash required for messages.ackReaction, logging.level; re-run config.get and retry with baseHash",
    );
    const stale = await client.request("config.patch", { raw, baseHash: "stale" });
    expect(stale.error.message).toBe("config changed since last load; re-run config.get and retry");
    const answers = [];
    for (let count = 0; count < 31; count++) answers.push(await client.request("config.apply", { raw: "{" }));
    expect(answers[0]!.error.code).toBe("INVALID_REQUEST");
    expect(answers[30]!.error).toMatchObject({
      code: "UNAVAILABLE",
      retryable: true,
      details: { method: "config.apply", limit: "30 per 60s" },
    });
  });

  test("44: an include cannot be written over the protocol", async () => {
    const { error } = await write("config.set", {
      gateway: { mode: "local", auth: { mode: "token", token: REDACTED } },
      channels: { $include: "/etc/passwd" },
      logging: { $include: "../x.json" },
    });
    expect(error.message).toContain('Unrecognized key: "$include"');
    expect(file()).toBe(TEXT);
  });

  test("whoever is no administrator writes nothing", async () => {
    const writer = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    for (const method of ["config.patch", "config.apply", "config.set", "config.openFile"]) {
      const { error } = await writer.request(method, { raw: "{}", baseHash: "x" });
      expect(error.details).toMatchObject({ missingScope: "operator.admin" });
    }
  });
});

test("config.openFile opens nothing", async () => {
  expect(await client.call("config.openFile")).toMatchObject({ ok: false, path });
});

describe("a configuration with includes", () => {
  const part = (): string => join(gateway.stateDir, "tools.json5");

  beforeEach(() => {
    writeFileSync(part(), "// of the tools\n{ deny: ['a'] }\n");
    writeFileSync(path, TEXT.replace('tools: { deny: ["a", "b"] }', 'tools: { $include: "./tools.json5" }'));
    gateway.services.config.refresh();
  });

  test("gets a change below one of them written to the included file", async () => {
    const before = file();
    const { payload } = await write("config.patch", { tools: { deny: ["a", "b"] } });
    expect(payload).toMatchObject({ ok: true, changedPaths: ["tools.deny"] });
    expect(readFileSync(part(), "utf8")).toBe("// of the tools\n{ deny: ['a', \"b\"] }\n");
    expect(file()).toBe(before);
    expect(existsSync(`${part()}.bak`)).toBe(true);
  });

  test("is not flattened: changes on both sides are refused, others leave the include alone", async () => {
    const { error } = await write("config.patch", { tools: { deny: ["a", "b"] }, logging: { level: "info" } });
    expect(error.message).toContain("comes from an $include that is not written to");
    expect((await write("config.patch", { logging: { level: "info" } })).ok).toBe(true);
    expect(file()).toContain('tools: { $include: "./tools.json5" }');
  });
});
