import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSpec } from "./spec.ts";
import { SpecError, suggest } from "./spec-file.ts";

const root = join(import.meta.dir, "..", "..");
let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "chela-spec-"));
  cpSync(join(root, "spec"), join(copy, "spec"), { recursive: true });
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** What is said of the spec after a change to one file of spec/chela. The file is put back. */
function complaints(file: string, change: (text: string) => string): string[] {
  const path = join(copy, "spec", "chela", file);
  let before: string | undefined;
  try {
    before = readFileSync(path, "utf8");
  } catch {
    // A new file.
  }
  writeFileSync(path, change(before ?? ""));
  try {
    loadSpec(copy);
    return [];
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return error.message.split("\n");
  } finally {
    if (before === undefined) rmSync(path);
    else writeFileSync(path, before);
  }
}

/** Adds lines at the end; `line(n)` is the line number of the nth of them. */
function appended(
  file: string,
  text: string,
  without: (text: string) => string = (before) => before,
): { said: string[]; line: (nth: number) => number } {
  let lines = 0;
  const said = complaints(file, (before) => {
    lines = before.split("\n").length - 1;
    return `${without(before)}${text}\n`;
  });
  return { said, line: (nth) => lines + nth };
}

test("the spec as it is is right", () => {
  expect(complaints("bindings.yaml", (text) => text)).toEqual([]);
});

describe("a wrong binding is refused with file, line and reason:", () => {
  const binding = (text: string) => {
    // The wrong line takes the place of the one that the method may have already.
    const name = text.slice(0, text.indexOf(":"));
    const own = (before: string): string => before.replace(`\n  ${name}: `, `\n  # ${name}: `);
    const { said, line } = appended("bindings.yaml", `  ${text}`, own);
    return said.map((each) => each.replace(`spec/chela/bindings.yaml:${line(1)}: `, "here: "));
  };

  test.each([
    [
      "a method that upstream does not have",
      "wizzard.start: {}",
      'upstream has no method "wizzard.start"; did you mean "wizard.start"?',
    ],
    [
      "an unknown type",
      "wizard.start: { result: WizardStartResults }",
      'unknown type "WizardStartResults"; did you mean "WizardStartResult"?',
    ],
    [
      "an unknown key",
      "wizard.start: { reslut: WizardStartResult }",
      'methods.wizard.start: unknown key "reslut"; did you mean "result"?',
    ],
    ["an unknown key that is like no other", "wizard.start: { zzz: 1 }", 'methods.wizard.start: unknown key "zzz"'],
    [
      "an unknown status",
      "wizard.start: { status: done }",
      "methods.wizard.start.status: must be one of implemented, planned",
    ],
    [
      "an unknown scope",
      "wizard.start: { scope: operator.admn }",
      'unknown scope "operator.admn"; did you mean "operator.admin"?',
    ],
    [
      "implemented without a result",
      "wizard.start: { status: implemented, result: Unstated }",
      "wizard.start: an implemented method needs a result: state it, or a type named WizardStartResult",
    ],
    [
      "implemented with a dynamic scope and no rule",
      "sessions.catalog.list: { status: implemented, scope: dynamic }",
      "sessions.catalog.list: an implemented method of dynamic scope needs a scopeRule",
    ],
    [
      "two answers without the type of the first",
      "wizard.next: { twoPhase: true }",
      "wizard.next: a twoPhase method needs the accepted type, its first answer",
    ],
    [
      "the type of a first answer where there is one answer",
      "wizard.next: { accepted: OkResult }",
      "wizard.next: only a twoPhase method has an accepted type",
    ],
    [
      "idempotent without a key",
      "wizard.start: { idempotent: true }",
      "wizard.start: WizardStartParams has no idempotencyKey",
    ],
  ])("%s", (_, text, reason) => {
    expect(binding(text)).toEqual([`here: ${reason}`]);
  });

  test("the same method twice", () => {
    const { said, line } = appended("bindings.yaml", "  health: {}");
    expect(said).toEqual([`spec/chela/bindings.yaml:${line(1)}: Map keys must be unique`]);
  });

  test("broken YAML", () => {
    expect(binding("wizard.start: { status: planned")[0]).toMatch(/^(here|spec\/chela\/bindings\.yaml:\d+): Flow map/);
  });
});

describe("other wrong entries are refused with file, line and reason:", () => {
  test("a limit without reason, one with a negative value, one without a unit", () => {
    const { said, line } = appended(
      "limits.yaml",
      [
        "  a: { value: 1, unit: bytes }",
        "  b: { value: -1, unit: ms, reason: Because of that. }",
        "  c: { value: 1, reason: Because of that. }",
      ].join("\n"),
    );
    expect(said).toEqual([
      `spec/chela/limits.yaml:${line(1)}: limits.a: reason is missing`,
      `spec/chela/limits.yaml:${line(2)}: limits.b.value: must be >= 0`,
      `spec/chela/limits.yaml:${line(3)}: limits.c: unit is missing`,
    ]);
  });

  test("an event of an unknown scope, with an unknown payload, implemented without payload", () => {
    const said = complaints("events/trial.yaml", () =>
      [
        "events:",
        "  a.b: { payload: TickEvent, scope: operator.raed, status: planned }",
        "  a.c: { payload: TikEvent, scope: null, status: planned }",
        "  a.d: { payload: Unstated, scope: null, status: implemented }",
        "  tick: { payload: TickEvent, scope: null, status: planned }",
      ].join("\n"),
    );
    expect(said).toContain(
      'spec/chela/events/trial.yaml:2: unknown scope "operator.raed"; did you mean "operator.read"?',
    );
    expect(said).toContain("spec/chela/events/trial.yaml:4: a.d: an implemented event needs a payload that is stated");
    expect(said).toContain("spec/chela/events/trial.yaml:5: event tick exists already");
    const types = complaints(
      "events/trial.yaml",
      () => "events:\n  a.c: { payload: TikEvent, scope: null, status: planned }",
    );
    expect(types).toEqual(['spec/chela/events/trial.yaml:2: unknown type "TikEvent"; did you mean "TickEvent"?']);
  });

  test("a type that exists, one that refers to nothing, one with a keyword that is none", () => {
    expect(complaints("types/trial.yaml", () => "TickEvent: { type: object }")).toEqual([
      "spec/chela/types/trial.yaml:1: type TickEvent exists already in spec/upstream/types/common.yaml",
    ]);
    expect(complaints("types/trial.yaml", () => "Trial:\n  type: array\n  items: { $ref: Nothing }")).toEqual([
      'spec/chela/types/trial.yaml:1: unknown type "Nothing"',
    ]);
    expect(complaints("types/trial.yaml", () => "Trial:\n  type: object\n  propertys: {}")).toEqual([
      'spec/chela/types/trial.yaml:3: Trial: unknown key "propertys"; did you mean "properties"?',
    ]);
    expect(complaints("types/trial.yaml", () => "Trial: { type: strin }")[0]).toMatch(
      /^spec\/chela\/types\/trial\.yaml:1: Trial\.type: must be one of object, array/,
    );
  });

  test("an extension that upstream has, or that upstream has caught up with", () => {
    const said = complaints("extensions/trial.yaml", () =>
      [
        "methods:",
        '  health: { scope: operator.read, since: "1" }',
        "extend:",
        "  ChatSendParams:",
        "    properties:",
        "      message: { type: string }",
        "  NoSuchType: { properties: {} }",
      ].join("\n"),
    );
    expect(said).toContain("spec/chela/extensions/trial.yaml:2: method health exists already");
    expect(said).toContain("spec/chela/extensions/trial.yaml:6: upstream's ChatSendParams has message by now");
    expect(said).toContain("spec/chela/extensions/trial.yaml:7: upstream has no type NoSuchType");
  });

  test("a close reason that fits in no frame, an error without HTTP status, a scope of no one", () => {
    const long = "x".repeat(124);
    const said = complaints("errors.yaml", (text) =>
      text
        .replace("  NORMAL: ", `  TOO_LONG: { code: 1008, reason: ${long}, meaning: m }\n  NORMAL: `)
        .replace("  FORBIDDEN: { retryable: false, http: 403,", "  FORBIDDEN: { retryable: false,"),
    );
    expect(said).toHaveLength(2);
    expect(said[0]).toMatch(/^spec\/chela\/errors\.yaml:\d+: errors\.FORBIDDEN: http is missing$/);
    expect(said[1]).toMatch(
      /^spec\/chela\/errors\.yaml:\d+: closes\.TOO_LONG\.reason: must not have more than 123 characters$/,
    );
    const scopes = complaints("scopes.yaml", (text) =>
      text.replace("[ operator.read, operator.talk ]", "[ operator.reed ]"),
    );
    expect(scopes).toHaveLength(1);
    expect(scopes[0]).toMatch(
      /^spec\/chela\/scopes\.yaml:\d+: unknown scope "operator\.reed"; did you mean "operator\.read"\?$/,
    );
  });

  test("a missing file", () => {
    const path = join(copy, "spec", "chela", "limits.yaml");
    const text = readFileSync(path, "utf8");
    rmSync(path);
    expect(() => loadSpec(copy)).toThrow("spec/chela/limits.yaml:1: missing");
    writeFileSync(path, text);
  });
});

test("every mistake is told at once, in the order of the files", () => {
  const said = appended("bindings.yaml", "  a.b: {}\n  c.d: {}").said;
  expect(said).toHaveLength(2);
});

test("a suggestion is made only where it is likely", () => {
  expect(suggest("reslut", ["result", "params"])).toBe('"reslut"; did you mean "result"?');
  expect(suggest("zebra", ["result", "params"])).toBe('"zebra"');
  expect(suggest("a", [])).toBe('"a"');
});
