import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { Errors } from "typebox/schema";
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Schema } from "./schema.ts";

/** One mistake in the spec. `line` counts from 1. */
export interface Problem {
  file: string;
  line: number;
  reason: string;
}

/** Thrown when the spec is wrong; its message has a line `file:line: reason` per mistake. */
export class SpecError extends Error {
  constructor(readonly problems: readonly Problem[]) {
    super(problems.map(({ file, line, reason }) => `${file}:${line}: ${reason}`).join("\n"));
    this.name = "SpecError";
  }
}

type Path = readonly (string | number)[];

/** A YAML file of the spec that knows where in the file each value stands. */
export class SpecFile<T> {
  readonly name: string;
  private readonly doc: Document;
  private readonly lines = new LineCounter();
  readonly problems: Problem[] = [];
  /** The content; meaningless when `problems` is not empty. */
  readonly value: T;

  constructor(
    readonly path: string,
    root: string,
    schema?: Schema,
  ) {
    this.name = relative(root, path);
    this.doc = parseDocument(readFileSync(path, "utf8"), { lineCounter: this.lines });
    // A syntax error makes the parser stumble over the rest of the file, too; only the first one tells something.
    for (const error of this.doc.errors.slice(0, 1)) {
      this.problems.push({ file: this.name, line: error.linePos?.[0].line ?? 1, reason: firstLine(error.message) });
    }
    this.value = (this.doc.errors.length > 0 ? null : this.doc.toJS()) as T;
    if (schema !== undefined && this.problems.length === 0) this.checkAgainst(schema);
  }

  /** The line of the key that the path leads to; of its nearest parent when there is no such key. */
  lineOf(path: Path): number {
    for (let length = path.length; length > 0; length--) {
      const owner = length === 1 ? this.doc.contents : this.doc.getIn(path.slice(0, length - 1), true);
      const last = path[length - 1]!;
      const pair = isMap(owner)
        ? owner.items.find(({ key }) => isScalar(key) && String(key.value) === last)
        : undefined;
      const node = pair?.key ?? (isSeq(owner) ? owner.items[Number(last)] : undefined);
      if (isNode(node) && node.range) return this.lines.linePos(node.range[0]).line;
    }
    return 1;
  }

  problem(path: Path, reason: string): Problem {
    return { file: this.name, line: this.lineOf(path), reason };
  }

  private checkAgainst(schema: Schema): void {
    const [valid, issues] = Errors(schema as object, this.value);
    if (valid) return;
    const seen = new Set<string>();
    for (const issue of tellingIssues(issues)) {
      const path = issue.instancePath.split("/").slice(1).map(unescapePointer);
      const { at = path, reason } = inWords(issue, path, schema);
      const problem = this.problem(at, path.length > 0 ? `${path.join(".")}: ${reason}` : reason);
      // Unions report every branch; the first complaint about a place says enough.
      const key = `${problem.line} ${path.join("/")}`;
      if (seen.has(key)) continue;
      seen.add(key);
      this.problems.push(problem);
    }
  }
}

type Issue = ReturnType<typeof Errors>[1][number];

/** The issues that say what is wrong: not that no branch of a union fits, but why the likely one does not. */
function tellingIssues(issues: readonly Issue[]): Issue[] {
  const isWrongBranch = ({ keyword, schemaPath }: Issue) => keyword === "type" && /\/anyOf\/\d+$/.test(schemaPath);
  const kept = issues.filter(({ keyword }) => keyword !== "boolean" && keyword !== "anyOf");
  return kept.filter((issue) => {
    if (!isWrongBranch(issue)) return true;
    const others = kept.filter(({ instancePath }) => `${instancePath}/`.startsWith(`${issue.instancePath}/`));
    return others.every(isWrongBranch);
  });
}

/** What an issue means to who writes the spec; `at` where it stands elsewhere than at its path. */
function inWords(issue: Issue, path: Path, schema: Schema): { at?: Path; reason: string } {
  const params = issue.params as Record<string, string[] | undefined>;
  switch (issue.keyword) {
    case "additionalProperties": {
      const extra = params.additionalProperties ?? [];
      const known = keysAt(schema, issue.schemaPath);
      return { at: [...path, extra[0]!], reason: `unknown key ${extra.map((key) => suggest(key, known)).join(", ")}` };
    }
    case "required":
      return { reason: `${(params.requiredProperties ?? []).join(", ")} is missing` };
    case "enum":
      return { reason: `must be one of ${(params.allowedValues ?? []).join(", ")}` };
    default:
      return { reason: issue.message };
  }
}

/** Names of the properties that the object schema at a schema path has. */
function keysAt(root: Schema, schemaPath: string): string[] {
  let node: unknown = root;
  for (const step of schemaPath.split("/").slice(1).map(unescapePointer)) {
    node = dereference(node, root);
    node = (node as Record<string, unknown> | undefined)?.[step];
  }
  const { properties } = (dereference(node, root) ?? {}) as { properties?: object };
  return Object.keys(properties ?? {});
}

function dereference(node: unknown, root: Schema): unknown {
  const ref = (node as { $ref?: string } | undefined)?.$ref;
  return ref === undefined
    ? node
    : ref
        .split("/")
        .slice(1)
        .reduce((at, key) => (at as Record<string, never>)[key]!, root);
}

/** The name in quotes, with the known one that was probably meant. */
export function suggest(name: string, known: Iterable<string>): string {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const each of known) {
    const distance = editDistance(name.toLowerCase(), each.toLowerCase());
    if (distance < least) [best, least] = [each, distance];
  }
  return best === undefined ? `"${name}"` : `"${name}"; did you mean "${best}"?`;
}

/** How many letters must be put in, taken out or exchanged to make one word the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + Number(a[i - 1] !== b[j - 1])));
    }
    row = next;
  }
  return row[b.length]!;
}

function firstLine(text: string): string {
  return text.split("\n")[0]!.replace(/ at line \d+, column \d+:?$/, "");
}

function unescapePointer(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}
