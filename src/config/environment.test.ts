import { describe, expect, test } from "bun:test";
import { parseDotEnv } from "./environment.ts";
import { ConfigFolder } from "./testing.ts";

describe("${NAME}", () => {
  const prefix = async (text: string, env: Record<string, string> = {}) => {
    using config = new ConfigFolder({ "openclaw.json": JSON.stringify({ messages: { responsePrefix: text } }) });
    const { current, warnings } = await config.load({ env });
    return { text: current.messages.responsePrefix, warnings };
  };

  test.each<[string, string]>([
    ["${A}", "1"],
    ["x${A}y${B_2}", "x1y2"],
    ["$${A}", "${A}"],
    ["$$${A}", "$${A}"],
    ["${lower}", "${lower}"],
    ["$A", "$A"],
    ["${A", "${A"],
    ["${NESTED}", "${A}"],
  ])("%s becomes %s", async (written, expected) => {
    const { text, warnings } = await prefix(written, { A: "1", B_2: "2", NESTED: "${A}" });
    expect(text).toBe(expected);
    expect(warnings).toEqual([]);
  });

  test.each([[{}], [{ NOPE: "" }]])("stays visible and is warned about when it is not set: %j", async (env) => {
    const { text, warnings } = await prefix("a ${NOPE}", env);
    expect(text).toBe("a ${NOPE}");
    expect(warnings).toMatchObject([
      { path: "messages.responsePrefix", line: 1, reason: expect.stringContaining("NOPE") },
    ]);
  });

  test("never becomes the gateway's own secret", async () => {
    using config = new ConfigFolder({ "openclaw.json": "{\n gateway: { auth: { token: '${NOPE}' } } }" });
    expect(await config.problems()).toMatchObject([{ path: "gateway.auth.token", line: 2 }]);
  });
});

describe("where variables come from", () => {
  test("the process, below it the state directory's .env, below it env.vars", async () => {
    using config = new ConfigFolder({
      ".env": "A=dotenv\nB=dotenv\n",
      "openclaw.json": "{ env: { vars: { A: 'vars', B: 'vars', C: 'vars' } } }",
    });
    const { env } = await config.load({ env: { A: "process" } });
    expect([env.A, env.B, env.C]).toEqual(["process", "dotenv", "vars"]);
  });

  test("an empty variable of the process does not hide the others", async () => {
    using config = new ConfigFolder({ "openclaw.json": "{ env: { vars: { A: 'vars' } } }" });
    expect((await config.load({ env: { A: "" } })).env.A).toBe("vars");
  });

  test.each([
    "NODE_OPTIONS",
    "ld_preload",
    "PATH",
    "BASH_ENV",
    "GIT_SSH_COMMAND",
    "OPENCLAW_GATEWAY_TOKEN",
    "A B",
    "DYLD_X",
  ])("attack 45: env.vars may not set %s", async (name) => {
    using config = new ConfigFolder({ "openclaw.json": JSON.stringify({ env: { vars: { [name]: "evil" } } }) });
    const { env, warnings, current } = await config.load();
    expect(Object.values(env)).not.toContain("evil");
    expect(warnings).toMatchObject([{ path: `env.vars.${name}` }]);
    expect(current.gateway.auth.token).toBeUndefined();
  });

  test("attack 45: a .env file in the current directory is not read", async () => {
    using config = new ConfigFolder({ "work/.env": "A=evil" });
    const before = process.cwd();
    process.chdir(`${config.folder}/work`);
    try {
      expect((await config.load()).env.A).toBeUndefined();
    } finally {
      process.chdir(before);
    }
  });

  test("the state directory's .env may set what belongs to the gateway, not what steers a runtime", async () => {
    using config = new ConfigFolder({ ".env": "OPENCLAW_GATEWAY_TOKEN=t\nNODE_OPTIONS=--inspect" });
    const { env, warnings, current } = await config.load();
    expect(current.gateway.auth.token).toBe("t");
    expect(env.NODE_OPTIONS).toBeUndefined();
    expect(warnings).toMatchObject([{ path: "NODE_OPTIONS" }]);
  });
});

test.each<[string, Record<string, string>]>([
  ["A=1", { A: "1" }],
  ["export A = 1 ", { A: "1" }],
  ["# A=1\n\nB=2 # two", { B: "2" }],
  ["A='x # \"y\" \\n'", { A: 'x # "y" \\n' }],
  ['A="x\\ny\\\\\\"" # c', { A: 'x\ny\\"' }],
  ['A="one\ntwo"\nB=3', { A: "one\ntwo", B: "3" }],
  ["A=\r\nB=2\r\n", { A: "", B: "2" }],
  ["A=${B}\nB=1", { A: "${B}", B: "1" }],
  ["1A=2\nA-B=3\nnonsense", {}],
])("a .env of %j", (text, expected) => {
  expect(parseDotEnv(text)).toEqual(expected);
});
