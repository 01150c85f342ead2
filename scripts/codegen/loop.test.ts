import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * What spec/README.md promises to who adds a method, gone through from the first line of YAML to the first call, on a copy
 * of the repository.
 */

const root = join(import.meta.dir, "..", "..");
const PATIENCE_MS = 120_000;

let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "chela-loop-"));
  for (const name of ["src", "scripts", "spec", "generated", "package.json", "tsconfig.json", "bunfig.toml"]) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

function bun(...args: string[]): { ok: boolean; output: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, ...args], { cwd: copy, stdin: "ignore" });
  return { ok: exitCode === 0, output: `${stdout}\n${stderr}` };
}

const write = (file: string, text: string): void => writeFileSync(join(copy, file), text);
const edit = (file: string, from: string, to: string): void => {
  const text = readFileSync(join(copy, file), "utf8");
  expect(text).toContain(from);
  write(file, text.replace(from, to));
};

const SPEC = `# Greetings, for the sake of an example.

methods:
  greeting.say: { scope: operator.read, since: chela, status: implemented, params: GreetingSayParams, result: GreetingSayResult }

types:
  GreetingSayParams:
    type: object
    required: [ name ]
    properties:
      name: { type: string, minLength: 1, maxLength: 40 }
    additionalProperties: false
  GreetingSayResult:
    type: object
    required: [ text ]
    properties:
      text: { type: string }
    additionalProperties: false
`;

const HANDLERS = `import type { GreetingHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const greeting: GreetingHandlers<CallContext> = {
  "greeting.say": ({ name }) => ({ text: \`Good day, \${name}.\` }),
};
`;

const CALLS = `import { expect, test } from "bun:test";
import { startTestGateway } from "../gateway/testing.ts";

test("the new method answers, by scope and with its params checked", async () => {
  const gateway = await startTestGateway();
  const client = await gateway.connect({ scopes: ["operator.read"] });
  expect(client.helloPayload.features.methods).toContain("greeting.say");
  expect(await client.request("greeting.say", { name: "Ada" })).toMatchObject({ ok: true, payload: { text: "Good day, Ada." } });
  expect((await client.request("greeting.say", {})).error.message).toBe(
    "invalid greeting.say params: must have required property 'name'",
  );
  const stranger = await gateway.connect({ scopes: ["operator.pairing"] });
  expect((await stranger.request("greeting.say", { name: "Ada" })).error.message).toBe("missing scope: operator.read");
  await gateway.stop();
});
`;

describe("adding a method by hand", () => {
  test(
    "takes a few lines of YAML, a generation, and the handler that the compiler asks for",
    () => {
      write("spec/chela/extensions/greeting.yaml", SPEC);
      const generated = bun("scripts/generate.ts");
      expect(generated).toMatchObject({ ok: true });
      expect(generated.output).toContain("generated/handlers.ts");

      // Implemented by the spec, but nobody answers it: the only error is where the handlers are put together.
      const missing = bun("check");
      expect(missing.ok).toBe(false);
      expect(missing.output).toMatch(/src\/methods\/index\.ts\(\d+,\d+\): error TS\d+: .*greeting\.say/);
      expect(missing.output.match(/error TS/g)).toHaveLength(1);

      write("src/methods/greeting.ts", HANDLERS);
      edit("src/methods/index.ts", "import { models }", 'import { greeting } from "./greeting.ts";\nimport { models }');
      edit("src/methods/index.ts", "  ...models,", "  ...greeting,\n  ...models,");
      expect(bun("check")).toMatchObject({ ok: true });

      write("src/methods/greeting.test.ts", CALLS);
      const called = bun("test", "src/methods/greeting.test.ts");
      expect(called).toMatchObject({ ok: true });
      expect(called.output).toContain(" 1 pass");
    },
    PATIENCE_MS,
  );

  test(
    "does not compile with a handler that the spec does not know, nor with one of another type",
    () => {
      edit("src/methods/greeting.ts", "};", '  "greeting.sing": () => ({ text: "la" }),\n};');
      const unknown = bun("check");
      expect(unknown.ok).toBe(false);
      expect(unknown.output).toMatch(
        /src\/methods\/greeting\.ts\(\d+,\d+\): error TS\d+: .*'"greeting\.sing"' does not exist/,
      );

      write("src/methods/greeting.ts", HANDLERS.replace("text:", "texts:"));
      const other = bun("check");
      expect(other.ok).toBe(false);
      expect(other.output).toMatch(/src\/methods\/greeting\.ts\(\d+,\d+\): error TS/);
    },
    PATIENCE_MS,
  );

  test(
    "is undone by taking the lines away: then what was generated is stale",
    () => {
      rmSync(join(copy, "spec/chela/extensions/greeting.yaml"));
      const stale = bun("scripts/generate.ts", "--check");
      expect(stale.ok).toBe(false);
      expect(stale.output).toContain("generated/handlers.ts: differs from the spec; run: bun run generate");
    },
    PATIENCE_MS,
  );
});
