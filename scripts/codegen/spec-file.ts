import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { Errors } from "typebox/schema";
import { type Document, isNode, LineCounter, parseDocument } from "yaml";
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

  /** The line where the value at the path begins; of its nearest parent when there is no such value. */
  lineOf(path: Path): number {
    for (let length = path.length; length >= 0; length--) {
      const node = length === 0 ? this.doc.contents : this.doc.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return this.lines.linePos(node.range[0]).line;
    }
    return 1;
  }

  problem(path: Path, reason: string): Problem {
    return { file: this.name, line: this.lineOf(path), reason };
  }

  private checkAgainst(schema: Schema): void {
    const [valid, errors] = Errors(schema as object, this.value);
    if (valid) return;
    const seen = new Set<string>();
    for (const error of errors) {
      if (error.keyword === "boolean") continue;
      const path = error.instancePath.split("/").slice(1).map(unescapePointer);
      const extra = error.keyword === "additionalProperties" ? error.params.additionalProperties : undefined;
      const at = extra ? [...path, extra[0]!] : path;
      const what = extra ? `unknown key ${extra.map((key) => JSON.stringify(key)).join(", ")}` : error.message;
      const where = path.length > 0 ? `${path.join(".")}: ` : "";
      const problem = this.problem(at, `${where}${what}`);
      // Unions report every branch; the first complaint about a place says enough.
      const key = `${problem.line} ${path.join("/")}`;
      if (seen.has(key)) continue;
      seen.add(key);
      this.problems.push(problem);
    }
  }
}

function firstLine(text: string): string {
  return text.split("\n")[0]!.replace(/ at line \d+, column \d+:?$/, "");
}

function unescapePointer(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}
