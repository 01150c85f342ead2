import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { counts, emitReference, readmeTable, readmeWithTable } from "./reference.ts";
import { loadSpec } from "./spec.ts";

const spec = loadSpec(join(import.meta.dir, "..", ".."));

describe("the reference page", () => {
  const page = emitReference(spec)[0]!.text;

  test("has a row for every method and event, error, close code and limit", () => {
    const rows = [
      ...spec.methods.map(({ name, status }) => `\n\`${name}\` | ${status} | `),
      ...spec.events.map(({ name, status }) => `\n\`${name}\` | ${status} | `),
      ...Object.keys(spec.errors).map((code) => `\n\`${code}\` | `),
      ...Object.keys(spec.limits).map((name) => `\n\`${name}\` | `),
      ...Object.values(spec.closes).map(({ code }) => `\n${code} | `),
    ];
    expect(rows.filter((row) => !page.includes(row))).toEqual([]);
  });

  test("counts what is there", () => {
    const n = counts(spec);
    expect(n.implemented + n.planned).toBe(n.methods);
    expect(n.upstream).toBe(spec.lock.methods);
    expect(page).toContain(`${n.implemented} implemented, ${n.planned} planned`);
  });

  test("says what params and results hold", () => {
    expect(page).toMatch(
      /\n`set-heartbeats` \| implemented \| operator \| operator\.admin \| `SetHeartbeatsParams`: enabled \| `SetHeartbeatsResult`: ok, enabled \|/,
    );
  });
});

describe("the table of the README", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "chela-readme-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const begin = "<!-- methods: begin, made by `bun run generate` -->";
  const end = "<!-- methods: end -->";
  const withReadme = (text: string): string | null => {
    writeFileSync(join(root, "README.md"), text);
    return readmeWithTable(root, spec);
  };

  test("replaces what stands between the marks and nothing else", () => {
    const once = withReadme(`# A\n\n${begin}\nold\n${end}\n\nB\n`);
    expect(once).toBe(`# A\n\n${begin}\n${readmeTable(spec)}\n${end}\n\nB\n`);
    expect(withReadme(once!)).toBe(once);
  });

  test("names every implemented method and counts the rest", () => {
    const table = readmeTable(spec);
    for (const { name, status } of spec.methods) {
      if (status === "implemented") expect(table).toContain(`\`${name}\``);
    }
    expect(table).toContain(`${counts(spec).implemented} of ${counts(spec).methods} methods`);
  });

  test("is left out where there is no README, or none with marks", () => {
    expect(readmeWithTable(root, spec)).toBeNull();
    expect(withReadme("# A\n")).toBeNull();
  });

  test.each([`${begin}\n`, `x\n${end}\n`, `${end}\n${begin}\n`, `${begin}\n${end}\n${begin}\n${end}\n`])(
    "is refused with file and line when its marks are not in order: %j",
    (text) => expect(() => withReadme(text)).toThrow(/^README\.md:\d+: the table of methods needs/),
  );
});
