import type { ConfigKey } from "../../generated/config.ts";
import { isTree } from "./json5.ts";
import { isReference } from "./secret-places.ts";

type Path = readonly (string | number)[];

/** What the key tree says about a value that it does not like. */
export interface Finding {
  path: Path;
  /** What stands there, and what the tree says about it; no `key` where it knows none of that name. */
  value: unknown;
  key: ConfigKey | undefined;
  reason: string;
  /** True stops the start; otherwise it is a warning and the value stays. */
  fatal: boolean;
}

/**
 * Holds a configuration against the key tree. A value of the wrong type is fatal, one outside its bounds or choices
 * only where the key says `enforce`; a key that the tree does not know is a warning. Where the key says `lenient`,
 * everything below is: another release may have meant something else by it.
 */
export function checkTree(value: unknown, key: ConfigKey): Finding[] {
  const findings: Finding[] = [];
  check(value, key, [], findings);
  return findings;
}

function check(value: unknown, key: ConfigKey, path: Path, out: Finding[]): void {
  if (!hasType(value, key)) {
    const reason = `must be ${typeText(key)}, not ${kindOf(value)}`;
    out.push({ path, value, key, reason, fatal: true });
    return;
  }
  switch (key.t) {
    case "enum": {
      if (key.v!.includes(value)) return;
      const reason = `must be ${typeText(key)}${isShort(value) ? `, not ${JSON.stringify(value)}` : ""}`;
      out.push({ path, value, key, reason, fatal: key.e === 1 });
      return;
    }
    case "integer":
    case "number":
      if (isWithin(value as number, key)) return;
      out.push({ path, value, key, reason: `must be ${boundsText(key)}, not ${value}`, fatal: key.e === 1 });
      return;
    case "list":
      if (key.i) for (const [index, item] of (value as unknown[]).entries()) check(item, key.i, [...path, index], out);
      return;
    case "map":
      if (key.m) for (const [name, item] of Object.entries(value as object)) check(item, key.m, [...path, name], out);
      return;
    case "object": {
      const before = out.length;
      checkObject(value as object, key, path, out);
      if (key.l) for (const finding of out.slice(before)) finding.fatal = false;
      return;
    }
    case "union":
      checkUnion(value, key, path, out);
  }
}

function checkObject(value: object, key: ConfigKey, path: Path, out: Finding[]): void {
  if (!key.k) return;
  for (const [name, child] of Object.entries(value)) {
    if (Object.hasOwn(key.k, name)) check(child, key.k[name]!, [...path, name], out);
    else if (!key.x && (path.length > 0 || name !== "$schema")) {
      const reason = "unknown key, kept but without effect";
      out.push({ path: [...path, name], value: child, key: undefined, reason, fatal: false });
    }
  }
}

/** The alternative with the fewest complaints speaks for the union. */
function checkUnion(value: unknown, key: ConfigKey, path: Path, out: Finding[]): void {
  let best: Finding[] | undefined;
  for (const part of key.o!) {
    if (!hasType(value, part)) continue;
    const found: Finding[] = [];
    check(value, part, path, found);
    if (best === undefined || weight(found) < weight(best)) best = found;
  }
  out.push(...(best ?? []));
}

const weight = (findings: readonly Finding[]): number =>
  findings.reduce((sum, { fatal }) => sum + (fatal ? 1000 : 1), 0);

function hasType(value: unknown, key: ConfigKey): boolean {
  switch (key.t) {
    case "string":
      return typeof value === "string";
    case "secret":
      return typeof value === "string" || (isTree(value) && isReference(value));
    case "integer":
    case "number":
      return typeof value === "number";
    case "boolean":
      return typeof value === "boolean";
    case "null":
      return value === null;
    case "enum":
      return key.v!.some((choice) => typeof choice === typeof value);
    case "list":
      return Array.isArray(value);
    case "map":
    case "object":
      return isTree(value);
    case "union":
      return key.o!.some((part) => hasType(value, part));
    default:
      return true;
  }
}

function isWithin(value: number, { t, min, max }: ConfigKey): boolean {
  if (t === "integer" ? !Number.isSafeInteger(value) : !Number.isFinite(value)) return false;
  return value >= (min ?? Number.NEGATIVE_INFINITY) && value <= (max ?? Number.POSITIVE_INFINITY);
}

const NOUNS: Readonly<Record<string, string>> = {
  string: "text",
  secret: "text or a secret reference (source, provider, id)",
  boolean: "true or false",
  null: "null",
  list: "a list",
  map: "an object",
  object: "an object",
};

function typeText(key: ConfigKey): string {
  if (key.t === "enum") return key.v!.map((choice) => JSON.stringify(choice)).join(" or ");
  if (key.t === "integer" || key.t === "number") return boundsText(key);
  if (key.t === "union") return [...new Set(key.o!.map(typeText))].join(" or ");
  return NOUNS[key.t] ?? key.t;
}

function boundsText({ t, min, max }: ConfigKey): string {
  const noun = t === "integer" ? "a whole number" : "a number";
  if (min !== undefined && max !== undefined) return `${noun} from ${min} to ${max}`;
  if (min !== undefined) return `${noun} of at least ${min}`;
  return max !== undefined ? `${noun} of at most ${max}` : noun;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? "text" : typeof value === "boolean" ? String(value) : "a number";
}

const isShort = (value: unknown): boolean => String(value).length <= 40;
