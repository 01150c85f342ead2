import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { importsOf } from "../../scripts/check-rooms.ts";
import { COMMANDS, GROUPS } from "./commands.ts";
import { writeJson } from "./io.ts";
import { cli } from "./testing.ts";

describe("help", () => {
  test("names every command that is not hidden", async () => {
    for (const words of [[], ["--help"], ["-h"], ["help"]]) {
      const { code, out } = await cli(words);
      expect(code).toBe(0);
      for (const { path, hidden } of COMMANDS) {
        if (!hidden) expect(out).toContain(`  ${path.split(" ")[0]}`);
      }
    }
  });

  for (const command of COMMANDS) {
    test(`${command.path} --help shows its options and examples`, async () => {
      const { code, out, err } = await cli([...command.path.split(" "), "--help"], { program: "openclaw" });
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).toContain(`Usage: openclaw ${command.path}`);
      for (const { name, hidden } of command.options) {
        expect(new RegExp(`--${name}\\b`).test(out)).toBe(!hidden);
      }
      expect(command.examples.length).toBeGreaterThan(0);
      for (const [line] of command.examples) expect(out).toContain(`openclaw ${line}`);
    });
  }

  for (const { path } of GROUPS) {
    test(`${path} --help shows its commands`, async () => {
      const { code, out } = await cli([path, "--help"]);
      expect(code).toBe(0);
      for (const command of COMMANDS) {
        if (command.path.startsWith(`${path} `)) expect(out).toContain(command.summary);
      }
    });
  }
});

test("examples use options that exist", () => {
  for (const { path, options, examples } of COMMANDS) {
    for (const [line] of examples) {
      for (const [, name] of line.matchAll(/ --([a-z-]+)/g)) {
        expect({ path, known: options.some((option) => option.name === name), name }).toEqual({
          path,
          known: true,
          name,
        });
      }
    }
  }
});

describe("version", () => {
  test("both numbers, ours first", async () => {
    for (const words of [["version"], ["--version"], ["-V"]]) {
      expect((await cli(words)).out).toMatch(/^Chela \S+ \(OpenClaw \d{4}\.\d+\.\d+\)$/);
    }
  });

  test("called as openclaw, the upstream release first", async () => {
    expect((await cli(["--version"], { program: "openclaw" })).out).toMatch(/^OpenClaw \d{4}\.\d+\.\d+ \(Chela \S+\)$/);
  });

  test("as JSON", async () => {
    expect(Object.keys(JSON.parse((await cli(["version", "--json"])).out))).toEqual(["name", "version", "compatible"]);
  });
});

describe("what is not understood", () => {
  test("an unknown command ends with 1 and says how to go on", async () => {
    const { code, out, err } = await cli(["bogus"]);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toBe('There is no command "bogus".\nTry: chela --help');
  });

  test("a slip of the finger gets a proposal", async () => {
    expect((await cli(["versoin"])).err).toContain("Did you mean: chela version");
  });

  test("an unknown option, with --json as one document", async () => {
    const { code, out, err } = await cli(["version", "--bogus", "--json"]);
    expect({ code, err }).toEqual({ code: 1, err: "" });
    expect(JSON.parse(out)).toEqual({
      ok: false,
      error: { type: "cli_error", message: "There is no option --bogus here." },
    });
  });

  test("help of a command that is none is no success", async () => {
    for (const words of [
      ["gateway", "nonsense", "--help"],
      ["help", "gateway", "nonsense"],
      ["nonsense", "--help"],
      ["help", "nonsense"],
    ]) {
      const { code, out, err } = await cli(words);
      expect([words, code, out]).toEqual([words, 1, ""]);
      expect(err).toContain('no command "nonsense".');
    }
  });

  test("help before a command is its help", async () => {
    expect((await cli(["help", "gateway", "run"])).out).toBe((await cli(["gateway", "run", "--help"])).out);
  });

  test("every refusal of words says where help is", async () => {
    for (const words of [
      ["gateway", "call"],
      ["gateway", "bogus"],
      ["gateway", "call", "health", "--bogus"],
      ["agent", "--timeout"],
    ]) {
      expect((await cli(words)).err).toMatch(/\nTry: chela (gateway|gateway call|agent) --help$/);
    }
  });

  test("an argument too many", async () => {
    expect((await cli(["version", "now"])).err).toContain('version takes no argument "now".');
  });
});

test("limits prints every bound with its unit", async () => {
  const rows = JSON.parse((await cli(["limits", "--json"])).out) as Record<string, unknown>[];
  expect(rows).toContainEqual(expect.objectContaining({ name: "handshakeTimeoutMs", value: 15_000, unit: "ms" }));
});

test("--version and --help load neither gateway nor client", async () => {
  const root = join(import.meta.dir, "..", "..");
  const seen = new Set<string>();
  const walk = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(join(root, file), "utf8").replace(/\bimport\([^)]*\)/g, "");
    for (const { path, typeOnly } of importsOf(text)) if (!typeOnly) walk(join(dirname(file), path));
  };
  for (const file of ["src/main.ts", "src/cli/help.ts", "src/cli/version.ts"]) walk(file);
  expect([...seen].filter((file) => !/^src\/(main\.ts|cli\/|protocol\/version\.ts)/.test(file))).toEqual([]);
  expect(seen.size).toBeGreaterThan(6);
});

test("--dev means the profile dev at its port", async () => {
  const env = { HOME: "/nonexistent" };
  const { gateway, stateDir } = JSON.parse(
    (await cli(["--dev", "gateway", "status", "--no-probe", "--json"], { env })).out,
  );
  expect(gateway.port).toBe(19001);
  expect(stateDir).toBe("/nonexistent/.openclaw-dev");
});

describe("the token", () => {
  const env = { HOME: "/nonexistent", OPENCLAW_GATEWAY_TOKEN: "the-token-of-this-machine" };

  test("is shown to a terminal that asks for it", async () => {
    const shown = await cli(["gateway", "auth-token", "--show"], { env, interactive: true });
    expect(shown).toEqual({ code: 0, out: "the-token-of-this-machine", err: "" });
  });

  test("does not go through a pipe", async () => {
    for (const [words, interactive] of [
      [["--show"], false],
      [[], true],
    ] as const) {
      const { code, out } = await cli(["gateway", "auth-token", ...words], { env, interactive });
      expect({ code, out }).toEqual({ code: 1, out: "" });
    }
  });
});

test("control characters in answers reach no terminal as JSON either", () => {
  const lines: string[] = [];
  writeJson({ out: (line) => lines.push(line), err: () => {}, interactive: true }, { text: "a\u001b\u009b\u007fb\n" });
  expect(lines[0]).toBe('{\n  "text": "a\\u001b\\u009b\\u007fb\\n"\n}');
  expect(JSON.parse(lines[0]!)).toEqual({ text: "a\u001b\u009b\u007fb\n" });
});
