import { isTree } from "./json5.ts";

/** How a JSON5 text is written, so that what is added looks like the rest. */
export interface Style {
  /** One step of indentation. */
  unit: string;
  eol: string;
  /** Keys without quotes where they may stand so. */
  isBare: boolean;
}

/** Reads the style off a text: of its first indented line, its first line end and its first key. */
export function styleOf(text: string): Style {
  const unit = /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ";
  const key = /[{,]\s*(?:\/\/[^\n]*\s*|\/\*[\s\S]*?\*\/\s*)*(["'\w$])/.exec(text)?.[1];
  return { unit, eol: text.includes("\r\n") ? "\r\n" : "\n", isBare: key !== undefined && !/["']/.test(key) };
}

/** A value as JSON5 over several lines, those after the first indented by `indent`. */
export function writeValue(value: unknown, indent: string, style: Style): string {
  const inner = indent + style.unit;
  const lines = (open: string, rows: readonly string[], close: string): string =>
    rows.length === 0
      ? open + close
      : `${open}${style.eol}${rows.map((row) => inner + row).join(`,${style.eol}`)}${style.eol}${indent}${close}`;
  if (Array.isArray(value)) {
    return lines(
      "[",
      value.map((item) => writeValue(item, inner, style)),
      "]",
    );
  }
  if (!isTree(value)) return writePlain(value);
  const rows = Object.entries(value).filter(([, child]) => child !== undefined);
  return lines(
    "{",
    rows.map(([key, child]) => `${writeKey(key, style)}: ${writeValue(child, inner, style)}`),
    "}",
  );
}

/** A key as it stands before its colon. */
export const writeKey = (key: string, { isBare }: Style): string =>
  isBare && /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);

function writePlain(value: unknown): string {
  if (typeof value !== "number") return JSON.stringify(value ?? null);
  return Object.is(value, -0) ? "-0" : String(value);
}
