import { describe, expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigFolder } from "./testing.ts";

describe("$include", () => {
  test("one file takes the place of the object that names it", async () => {
    using config = new ConfigFolder({
      "openclaw.json": "{ gateway: { $include: 'parts/gateway.json5' } }",
      "parts/gateway.json5": "{ port: 1, auth: { $include: './auth.json5' } } // nested",
      "parts/auth.json5": "{ token: 'abc' }",
    });
    const { current } = await config.load();
    expect(current.gateway).toMatchObject({ port: 1, auth: { token: "abc" } });
    expect(JSON.stringify(current)).not.toContain("$include");
  });

  test("of several files each is merged over the ones before, and keys beside $include over all", async () => {
    using config = new ConfigFolder({
      "openclaw.json": "{ gateway: { $include: ['a.json5', 'b.json5'], trustedProxies: ['10.0.0.3'], port: 3 } }",
      "a.json5": "{ port: 1, bind: 'lan', trustedProxies: ['10.0.0.1'], tls: { enabled: false, certPath: 'a' } }",
      "b.json5": "{ port: 2, trustedProxies: ['10.0.0.2'], tls: { enabled: true } }",
    });
    expect((await config.load()).current.gateway).toMatchObject({
      port: 3,
      bind: "lan",
      trustedProxies: ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
      tls: { enabled: true, certPath: "a" },
    });
  });

  test("works at the top and in lists", async () => {
    using config = new ConfigFolder({
      "openclaw.json": "{ $include: 'base.json5', bindings: [{ $include: 'binding.json5' }] }",
      "base.json5": "{ gateway: { port: 5 } }",
      "binding.json5": "{ agentId: 'main', match: { channel: 'telegram' } }",
    });
    const { current } = await config.load();
    expect(current.gateway.port).toBe(5);
    expect(current.bindings as unknown).toEqual([{ agentId: "main", match: { channel: "telegram" } }]);
  });

  test("problems are told in the file that has them", async () => {
    using config = new ConfigFolder({
      "openclaw.json": "{\n gateway: { $include: 'gateway.json5' } }",
      "gateway.json5": "{\n\n port: 'x' }",
    });
    const [problem] = await config.problems();
    expect(problem).toMatchObject({
      file: join(config.folder, "gateway.json5"),
      line: 3,
      column: 2,
      path: "gateway.port",
    });
  });

  test("a syntax error in an included file names that file", async () => {
    using config = new ConfigFolder({ "openclaw.json": "{ gateway: { $include: 'g' } }", g: "{ port: }" });
    expect(await config.problems()).toMatchObject([{ file: join(config.folder, "g"), line: 1, column: 9 }]);
  });

  test("variables are put in after the files", async () => {
    using config = new ConfigFolder({ "openclaw.json": "{ gateway: { $include: 'g' } }", g: "{ bind: '${BIND}' }" });
    expect((await config.load({ env: { BIND: "lan" } })).current.gateway.bind).toBe("lan");
  });
});

describe("$include is refused", () => {
  test.each<[string, Record<string, string>, RegExp]>([
    [
      "a circle",
      { "openclaw.json": "{ a: { $include: 'a' } }", a: "{ b: { $include: './b' } }", b: "{ $include: 'a' }" },
      /includes itself/,
    ],
    ["the file itself", { "openclaw.json": "{ a: { $include: 'openclaw.json' } }" }, /includes itself/],
    ["a file that is not there", { "openclaw.json": "{ a: { $include: 'a' } }" }, /a does not exist/],
    ["no path", { "openclaw.json": "{ a: { $include: 7 } }" }, /must be a path or a list of paths/],
    [
      "a list of other things",
      { "openclaw.json": "{ a: { $include: ['a', {}] } }" },
      /must be a path or a list of paths/,
    ],
    ["a null byte", { "openclaw.json": "{ a: { $include: 'a\\0b' } }" }, /null byte/],
    ["a path without end", { "openclaw.json": `{ a: { $include: '${"a".repeat(4096)}' } }` }, /shorter than 4096/],
    ["a list beside other keys", { "openclaw.json": "{ a: { $include: 'l', b: 1 } }", l: "[1]" }, /files with objects/],
    [
      "a large file",
      { "openclaw.json": "{ a: { $include: 'l' } }", l: `{}${" ".repeat(2_097_152)}` },
      /larger than 2097152 bytes/,
    ],
  ])("%s", async (_name, files, reason) => {
    using config = new ConfigFolder(files);
    expect((await config.error()).message).toMatch(reason);
  });

  test("eleven files deep", async () => {
    const files: Record<string, string> = { "openclaw.json": "{ a: { $include: '1' } }" };
    for (let depth = 1; depth <= 10; depth++) files[depth] = `{ a: { $include: '${depth + 1}' } }`;
    using config = new ConfigFolder({ ...files, 11: "{}" });
    expect((await config.error()).message).toContain("nested deeper than 10 files");
    config.write("10", "{ end: 1 }");
    await config.load();
  });

  describe("attack 44: outside the config directory", () => {
    const SECRET = "root:x:0:0";

    test.each(["../secret", "/etc/passwd", "sub/../../secret", "link", "linked/secret", "../missing"])(
      "%s",
      async (name) => {
        using outside = new ConfigFolder({ secret: SECRET });
        using config = new ConfigFolder({ "home/openclaw.json": `{ a: { $include: '${name}' } }`, secret: SECRET });
        symlinkSync(join(outside.folder, "secret"), join(config.folder, "home/link"));
        symlinkSync(outside.folder, join(config.folder, "home/linked"));
        const error = await config.error({ path: join(config.folder, "home/openclaw.json") });
        expect(error.message).toContain(`${name} is outside the directory of the config file`);
        expect(error.message).not.toContain(SECRET.slice(0, 4));
      },
    );

    test("unless OPENCLAW_INCLUDE_ROOTS names the directory, links resolved", async () => {
      using shared = new ConfigFolder({ "gateway.json5": "{ port: 9 }" });
      using config = new ConfigFolder();
      config.write("openclaw.json", `{ gateway: { $include: '${shared.folder}/gateway.json5' } }`);
      const env = { OPENCLAW_INCLUDE_ROOTS: `relative:${shared.folder}` };
      expect((await config.load({ env })).current.gateway.port).toBe(9);
      symlinkSync(dirname(process.execPath), join(shared.folder, "bin"));
      config.write("openclaw.json", `{ gateway: { $include: '${shared.folder}/bin/bun' } }`);
      expect((await config.error({ env })).message).toContain("is outside");
    });

    test("a config directory that is itself a link is no reason", async () => {
      using config = new ConfigFolder({
        "real/openclaw.json": "{ gateway: { $include: './g' } }",
        "real/g": "{ port: 4 }",
      });
      symlinkSync(join(config.folder, "real"), join(config.folder, "alias"));
      const { current } = await config.load({ path: join(config.folder, "alias/openclaw.json") });
      expect(current.gateway.port).toBe(4);
    });
  });
});
