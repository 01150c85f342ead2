import { describe, expect, test } from "bun:test";
import { readdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { CONFIG_DEFAULTS } from "../../generated/config.ts";
import { ConfigError } from "./problem.ts";
import { ConfigFolder } from "./testing.ts";

describe("without a file", () => {
  test("the embedded defaults are in force and nothing is written", async () => {
    using config = new ConfigFolder();
    const { current, exists, warnings } = await config.load();
    expect(current.gateway).toMatchObject({ port: 18789, bind: "loopback", mode: "local", auth: { mode: "token" } });
    expect(current.security?.defender?.enabled).toBe(true);
    expect({ exists, warnings }).toEqual({ exists: false, warnings: [] });
    expect(readdirSync(config.folder)).toEqual([]);
  });

  test("an empty file says no more than none", async () => {
    using config = new ConfigFolder({ "openclaw.json": " \n" });
    expect((await config.load()).current.gateway.port).toBe(18789);
  });
});

describe("a file", () => {
  test("is JSON5: comments, unquoted keys, single quotes, trailing commas", async () => {
    using config = new ConfigFolder({
      "openclaw.json": "// mine\n{ gateway: { port: 1234, /* here */ bind: 'lan', }, }\n",
    });
    const { current } = await config.load();
    expect(current.gateway).toMatchObject({ port: 1234, bind: "lan", mode: "local" });
    expect(current.agents.defaults.maxConcurrent).toBe(CONFIG_DEFAULTS.agents.defaults.maxConcurrent);
  });

  test("keeps keys that nobody knows, with a warning that says where they stand", async () => {
    using config = new ConfigFolder({
      "openclaw.json": '{\n  gateway: {\n    future: { a: 1 } },\n  "x-own": [1],\n}',
    });
    const { current, warnings } = await config.load();
    expect((current as unknown as Record<string, unknown>)["x-own"]).toEqual([1]);
    expect((current.gateway as unknown as Record<string, unknown>).future).toEqual({ a: 1 });
    expect(warnings).toEqual([
      { file: config.file, line: 3, column: 5, path: "gateway.future", reason: "unknown key, kept but without effect" },
      { file: config.file, line: 4, column: 3, path: "x-own", reason: "unknown key, kept but without effect" },
    ]);
  });

  test("may name its JSON schema", async () => {
    using config = new ConfigFolder({ "openclaw.json": '{ "$schema": "https://example.org/schema.json" }' });
    expect((await config.load()).warnings).toEqual([]);
  });

  test("is not changed by whoever reads it", async () => {
    using config = new ConfigFolder({ "openclaw.json": "{ gateway: { trustedProxies: ['10.0.0.1'] } }" });
    const { current } = await config.load();
    expect(() => (current.gateway.trustedProxies as string[]).push("0.0.0.0/0")).toThrow(TypeError);
    expect(() => Object.assign(current.gateway.auth, { mode: "none" })).toThrow(TypeError);
  });

  test("the keys of attack 41 reach no prototype", async () => {
    using config = new ConfigFolder({
      "openclaw.json":
        '{ "__proto__": { polluted: 1 }, gateway: { constructor: { prototype: { polluted: 1 } }, port: 7 } }',
    });
    const { current } = await config.load();
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect((current as unknown as Record<string, unknown>).polluted).toBeUndefined();
    expect(Object.keys(current.gateway)).not.toContain("constructor");
    expect(current.gateway.port).toBe(7);
  });
});

describe("a file that stops the start", () => {
  const cases: [text: string, place: [number, number], path: string, reason: RegExp][] = [
    ["{\n  gateway: {\n    port: 18789\n    bind: 'lan'\n} }", [4, 5], "", /a comma or } is missing/],
    ["{\n  gateway: {\n    mode: local } }", [3, 11], "", /this is not a value; text needs quotes/],
    ["{\n  gateway: {", [2, 12], "", /never closed/],
    ["{ gateway: { bind: 'lan\n } }", [1, 20], "", /this quote is never closed/],
    ["{ a: 1 } }", [1, 10], "", /nothing may follow/],
    ["[1]", [1, 1], "", /must be an object/],
    ["{ a: 1, /* and so on", [1, 9], "", /this comment is never closed/],
    [`${"[".repeat(5000)}`, [1, 202], "", /nested too deeply/],
    ["{\n gateway: { port: 'soon' } }", [2, 13], "gateway.port", /^must be a whole number from 0 to 65535, not text$/],
    ["{\n gateway: { port: 70000 } }", [2, 13], "gateway.port", /from 0 to 65535, not 70000/],
    ["{ gateway: { port: 1.5 } }", [1, 14], "gateway.port", /whole number/],
    ["{ gateway: { bind: 'everything' } }", [1, 14], "gateway.bind", /"loopback".*not "everything"/],
    ["{ gateway: { auth: { mode: 'open' } } }", [1, 22], "gateway.auth.mode", /"token"/],
    [
      "{ gateway: { auth: { token: 12345678 } } }",
      [1, 22],
      "gateway.auth.token",
      /^must be text or a secret reference .*, not a number$/,
    ],
    ["{ gateway: [] }", [1, 3], "gateway", /^must be an object, not a list$/],
    [
      "{ gateway: { trustedProxies: [\n'10.0.0.1', 7] } }",
      [2, 13],
      "gateway.trustedProxies[1]",
      /^must be text, not a number$/,
    ],
    ["{ agents: { defaults: { model: null } } }", [1, 25], "agents.defaults.model", /not null/],
  ];
  test.each(cases)("%j", async (text, [line, column], path, reason) => {
    using config = new ConfigFolder({ "openclaw.json": text });
    const problems = await config.problems();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ file: config.file, path, reason: expect.stringMatching(reason) });
    expect([problems[0]!.line, problems[0]!.column] as unknown).toEqual([
      line,
      path === "" && text === "[1]" ? undefined : column,
    ]);
  });

  test("says where a text breaks, wherever it is cut off", async () => {
    const text = "{ a: [1, 'x\\u0041', { b: .5, }, /* c */ null], \"d\": {} } // end";
    for (let length = 1; length < text.length; length++) {
      const cut = text.slice(0, length);
      using config = new ConfigFolder({ "openclaw.json": cut });
      const problems = await config.problems().catch(() => null);
      if (problems === null) expect(cut).toStartWith("{ a: [1, 'x\\u0041', { b: .5, }, /* c */ null], \"d\": {} }");
      else expect(problems[0]!.column).toBeWithin(1, length + 2);
    }
  });

  test("says everything that is wrong at once, each with its line", async () => {
    using config = new ConfigFolder({ "openclaw.json": "{\n gateway: { port: 'a',\n bind: 3 } }" });
    const error = await config.error();
    expect(error.message.split("\n")).toEqual([
      `${config.file}:2:13: gateway.port: must be a whole number from 0 to 65535, not text`,
      expect.stringContaining(`${config.file}:3:2: gateway.bind: must be "auto" or `),
    ]);
    expect(ConfigError.exitCode).toBe(78);
  });

  test("is not told a secret of", async () => {
    using config = new ConfigFolder({
      "openclaw.json": "{ gateway: { auth: { token: ['hunter2hunter2'], mode: 'nope' } } }",
    });
    expect((await config.error()).message).not.toContain("hunter2");
  });

  test("is no regular file", async () => {
    using config = new ConfigFolder({ "openclaw.json/x": "" });
    expect((await config.error()).message).toBe(`${config.file}: is not a regular file`);
  });

  test("a value outside its choices is only a warning where nothing depends on it", async () => {
    using config = new ConfigFolder({ "openclaw.json": "{ logging: { consoleStyle: 'loud' } }" });
    const { warnings } = await config.load();
    expect(warnings).toMatchObject([
      { path: "logging.consoleStyle", reason: 'must be "pretty" or "json", not "loud"' },
    ]);
  });
});

describe("where things are", () => {
  const load = async (env: Record<string, string>) => {
    const { Config } = await import("./config.ts");
    const { path, stateDir } = await Config.load({ env });
    return { path, stateDir };
  };

  test.each<[Record<string, string>, string, string]>([
    [{ HOME: "/h" }, "/h/.openclaw/openclaw.json", "/h/.openclaw"],
    [{ HOME: "/h", OPENCLAW_HOME: "/o" }, "/o/.openclaw/openclaw.json", "/o/.openclaw"],
    [{ HOME: "/h", OPENCLAW_HOME: "~/svc" }, "/h/svc/.openclaw/openclaw.json", "/h/svc/.openclaw"],
    [{ HOME: "/h", OPENCLAW_HOME: " undefined " }, "/h/.openclaw/openclaw.json", "/h/.openclaw"],
    [{ HOME: "/h", OPENCLAW_STATE_DIR: "~/s" }, "/h/s/openclaw.json", "/h/s"],
    [{ HOME: "/h", OPENCLAW_CONFIG_PATH: "/c/my.json5" }, "/c/my.json5", "/h/.openclaw"],
    [{ HOME: "/h", OPENCLAW_PROFILE: "rescue" }, "/h/.openclaw-rescue/openclaw.json", "/h/.openclaw-rescue"],
    [{ HOME: "/h", OPENCLAW_PROFILE: "default" }, "/h/.openclaw/openclaw.json", "/h/.openclaw"],
    [
      { HOME: "/h", OPENCLAW_PROFILE: "../x" },
      "/h/.openclaw-..-x/openclaw.json".replace("..-x", "---x"),
      "/h/.openclaw----x",
    ],
  ])("%j", async (env, path, stateDir) => {
    expect(await load(env)).toEqual({ path, stateDir });
  });
});

describe("what stands above and below the file", () => {
  test("arguments win over OPENCLAW_GATEWAY_PORT, which wins over the file", async () => {
    using config = new ConfigFolder({ "openclaw.json": "{ gateway: { port: 1 } }" });
    const env = { OPENCLAW_GATEWAY_PORT: "2" };
    expect((await config.load()).current.gateway.port).toBe(1);
    expect((await config.load({ env })).current.gateway.port).toBe(2);
    expect((await config.load({ env, given: { gateway: { port: 3 } } })).current.gateway.port).toBe(3);
    expect((await config.error({ env: { OPENCLAW_GATEWAY_PORT: "80x" } })).message).toContain("OPENCLAW_GATEWAY_PORT");
  });

  test("the file's token wins over OPENCLAW_GATEWAY_TOKEN, which counts where the file has none", async () => {
    using config = new ConfigFolder({ "openclaw.json": "{ gateway: { auth: { token: 'from-file' } } }" });
    const env = { OPENCLAW_GATEWAY_TOKEN: "from-env" };
    expect((await config.load({ env })).current.gateway.auth.token).toBe("from-file");
    config.write("openclaw.json", "{}");
    expect((await config.load({ env })).current.gateway.auth.token).toBe("from-env");
  });

  test("the mode is password when there is only a password, else token", async () => {
    using config = new ConfigFolder({ "openclaw.json": "{ gateway: { auth: { password: 'p' } } }" });
    expect((await config.load()).current.gateway.auth.mode).toBe("password");
    expect((await config.load({ env: { OPENCLAW_GATEWAY_TOKEN: "t" } })).current.gateway.auth.mode).toBe("token");
  });

  test("a secret generated later counts like an argument, and listeners hear of it", async () => {
    using folder = new ConfigFolder();
    const config = await folder.load();
    const heard: (string | undefined)[] = [];
    config.onChange((next) => heard.push(next.gateway.auth.token));
    config.give({ gateway: { auth: { token: "generated" } } });
    expect(heard).toEqual(["generated"]);
    expect(config.current.gateway.auth).toMatchObject({ mode: "token", token: "generated" });
  });
});

describe("the hash", () => {
  test("attack 38: is keyed, so that it betrays nothing to who guesses the text; it lasts over restarts", async () => {
    using first = new ConfigFolder({ "openclaw.json": "{ gateway: { auth: { password: 'guess' } } }" });
    using second = new ConfigFolder({ "openclaw.json": "{ gateway: { auth: { password: 'guess' } } }" });
    const { hash } = await first.load();
    expect(hash).toMatch(/^hmac-sha256:v1:[\w-]{43}$/);
    expect((await first.load()).hash).toBe(hash);
    expect((await second.load()).hash).not.toBe(hash);
    const key = join(first.folder, "config-journal-fingerprint.key");
    expect(statSync(key).mode & 0o777).toBe(0o600);
    first.write("openclaw.json", "{ gateway: { auth: { password: 'other' } } }");
    expect((await first.load()).hash).not.toBe(hash);
  });

  test("a directory that cannot be made does not break it", async () => {
    using folder = new ConfigFolder({ blocked: "" });
    symlinkSync("/nowhere/at/all", join(folder.folder, "dangling"));
    const config = await folder.load({ stateDir: join(folder.folder, "blocked", "state"), path: folder.file });
    expect(config.hash).toBe(config.hash);
  });
});
