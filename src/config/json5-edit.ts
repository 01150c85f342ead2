import { isTree, type Tree } from "./json5.ts";
import { type Style, styleOf, writeKey, writeValue } from "./json5-write.ts";
import { type Member, type Node, scanJson5 } from "./locate.ts";

interface Edit {
  start: number;
  end: number;
  text: string;
}

/**
 * Changes a JSON5 text so that it says `after`, and leaves everything else as it stands: comments, the order of keys,
 * spacing, and how the values that stay are written. New keys go behind the others, in the text's own style. A comment
 * inside a value that is replaced, or between a key that goes and its value, goes with it.
 * @param text JSON5 with an object at its root, or nothing but blanks
 * @throws Error when the text would not say what it should; it is then not to be written
 */
export function editJson5(text: string, after: Tree): string {
  if (text.trim() === "") return `${writeValue(after, "", { unit: "  ", eol: "\n", isBare: false })}\n`;
  const style = styleOf(text);
  // What goes is taken out first, so that what comes is put into a text without gaps.
  const thinned = apply(text, removals(text, scanJson5(text), Bun.JSON5.parse(text), after));
  const edits = new Additions(thinned, style);
  edits.value(scanJson5(thinned), Bun.JSON5.parse(thinned), after);
  const edited = apply(thinned, edits.found);
  if (!Bun.deepEquals(Bun.JSON5.parse(edited), after)) throw new Error("the edited text does not say what it should");
  return edited;
}

/** Edits must not overlap. */
function apply(text: string, edits: Edit[]): string {
  let out = "";
  let at = 0;
  for (const { start, end, text: piece } of edits.sort((a, b) => a.start - b.start || a.end - b.end)) {
    out += text.slice(at, start) + piece;
    at = end;
  }
  return out + text.slice(at);
}

/** The stretch of a list that differs: how many elements before and behind it stay. */
function unchangedEnds(before: readonly unknown[], after: readonly unknown[]): { head: number; tail: number } {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && Bun.deepEquals(before[head], after[head])) head++;
  let tail = 0;
  while (tail < most - head && Bun.deepEquals(before.at(-1 - tail), after.at(-1 - tail))) tail++;
  return { head, tail };
}

const canGoInto = (node: Node, before: unknown, after: unknown): boolean =>
  node.members !== undefined && ((isTree(before) && isTree(after)) || (Array.isArray(before) && Array.isArray(after)));

function removals(text: string, node: Node, before: unknown, after: unknown): Edit[] {
  if (Bun.deepEquals(before, after) || !canGoInto(node, before, after)) return [];
  const members = node.members!;
  const { start, end } = node;
  if (Object.keys(after as object).length === 0 && !/\/[/*]/.test(text.slice(start, end))) {
    return [{ start: start + 1, end: end - 1, text: "" }];
  }
  const gone = new Set<Member>();
  const edits: Edit[] = [];
  if (Array.isArray(before)) {
    const { head, tail } = unchangedEnds(before, after as unknown[]);
    const middle = Math.min(before.length, (after as unknown[]).length) - tail;
    for (const member of members.slice(middle, before.length - tail)) gone.add(member);
    for (const member of members.slice(head, middle)) {
      const index = member.key as number;
      edits.push(...removals(text, member.value, before[index], (after as unknown[])[index]));
    }
  } else {
    const last = new Map(members.map((member) => [member.key, member]));
    for (const member of members) {
      const key = String(member.key);
      // Of a key that stands twice the last one counts; the others would only mislead once it is changed.
      if (!Object.hasOwn(after as Tree, key) || last.get(key) !== member) gone.add(member);
      else edits.push(...removals(text, member.value, (before as Tree)[key], (after as Tree)[key]));
    }
  }
  for (const member of gone) edits.push(...removal(text, member));
  const stays = members.filter((member) => !gone.has(member));
  const last = stays.at(-1);
  const hadComma = members.at(-1)?.comma !== -1;
  if (last && last !== members.at(-1) && last.comma >= 0 && !hadComma) {
    edits.push({ start: last.comma, end: last.comma + 1, text: "" });
  }
  const firstGone = members[last ? members.indexOf(last) + 1 : 0];
  if (last && firstGone && !/\s/.test(text[node.end - 2]!)) {
    const gap = /[ \t]*$/.exec(text.slice(last.value.end, firstGone.start))![0].length;
    edits.push({ start: firstGone.start - gap, end: firstGone.start, text: "" });
  }
  return edits;
}

/** Takes out a member and its comma; the whole line where nothing else stands on it. */
function removal(text: string, { start, value, comma }: Member): Edit[] {
  const isTight = comma >= 0 && text.slice(value.end, comma).trim() === "";
  const end = isTight ? comma + 1 : value.end;
  const edits: Edit[] = comma >= 0 && !isTight ? [{ start: comma, end: comma + 1, text: "" }] : [];
  const lineStart = Math.max(text.lastIndexOf("\n", start - 1), text.lastIndexOf("\r", start - 1)) + 1;
  const rest = /^[ \t]*(?:\r\n|\n|\r)/.exec(text.slice(end, end + 1000));
  const isAlone = rest !== null && text.slice(lineStart, start).trim() === "" && lineStart > 0;
  if (isAlone && (comma < 0 || isTight)) edits.push({ start: lineStart, end: end + rest[0].length, text: "" });
  else edits.push({ start, end: end + (/^[ \t]+(?=\S)/.exec(text.slice(end, end + 1000))?.[0].length ?? 0), text: "" });
  return edits;
}

/** Collects what is put in the place of other values, and what is added. */
class Additions {
  readonly found: Edit[] = [];

  constructor(
    private readonly text: string,
    private readonly style: Style,
  ) {}

  value(node: Node, before: unknown, after: unknown): void {
    if (Bun.deepEquals(before, after)) return;
    const isEmpty = node.members?.length === 0 && this.text.slice(node.start + 1, node.end - 1).trim() === "";
    if (isEmpty || !canGoInto(node, before, after)) {
      this.found.push({ start: node.start, end: node.end, text: this.write(after, this.indentAt(node.start)) });
    } else if (Array.isArray(before)) this.list(node, before, after as unknown[]);
    else this.object(node, before as Tree, after as Tree);
  }

  private object(node: Node, before: Tree, after: Tree): void {
    for (const { key, value } of node.members!) {
      if (Object.hasOwn(after, key)) this.value(value, before[key], after[key]);
    }
    const fresh = Object.keys(after).filter((key) => !Object.hasOwn(before, key));
    const indent = this.innerIndent(node);
    const rows = fresh.map((key) => `${writeKey(key, this.style)}: ${this.write(after[key], indent)}`);
    this.append(node, rows, indent);
  }

  private list(node: Node, before: readonly unknown[], after: readonly unknown[]): void {
    const members = node.members!;
    const { head, tail } = unchangedEnds(before, after);
    const middle = before.length - tail;
    for (const { key, value } of members.slice(head, middle))
      this.value(value, before[key as number], after[key as number]);
    const fresh = after.slice(middle, after.length - tail);
    const indent = this.innerIndent(node);
    const rows = fresh.map((item) => this.write(item, indent));
    const next = members[middle];
    if (next === undefined) this.append(node, rows, indent);
    else {
      const gap = this.spans(node) ? `,${this.style.eol}${indent}` : ", ";
      if (rows.length > 0) this.found.push({ start: next.start, end: next.start, text: rows.join(gap) + gap });
    }
  }

  /** Puts rows behind the last member, before the closing bracket. */
  private append(node: Node, rows: readonly string[], indent: string): void {
    if (rows.length === 0) return;
    const last = node.members!.at(-1);
    const close = node.end - 1;
    const at = node.start + this.text.slice(node.start, close).trimEnd().length;
    if (last && last.comma < 0) this.found.push({ start: last.value.end, end: last.value.end, text: "," });
    const spans = this.spans(node);
    const gap = spans ? this.style.eol + indent : " ";
    const trailing = last && last.comma >= 0 ? "," : "";
    this.found.push({ start: at, end: at, text: rows.map((row) => gap + row).join(",") + trailing });
    if (!last && !spans) this.found.push({ start: close, end: close, text: " " });
  }

  private write(value: unknown, indent: string): string {
    return writeValue(value, indent, this.style);
  }

  /** Whether a bracket pair stands on several lines. */
  private spans({ start, end }: Node): boolean {
    return /[\n\r]/.test(this.text.slice(start, end));
  }

  private innerIndent(node: Node): string {
    const first = node.members!.find(({ start }) => this.lineUpTo(start).trim() === "");
    return first ? this.lineUpTo(first.start) : this.indentAt(node.start) + this.style.unit;
  }

  private indentAt(offset: number): string {
    return /^[ \t]*/.exec(this.lineUpTo(offset))![0];
  }

  private lineUpTo(offset: number): string {
    const start = Math.max(this.text.lastIndexOf("\n", offset - 1), this.text.lastIndexOf("\r", offset - 1)) + 1;
    return this.text.slice(start, offset);
  }
}
