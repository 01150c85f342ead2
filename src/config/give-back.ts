import { invalidRequest } from "../platform/errors.ts";
import { isTree, type Tree } from "./json5.ts";
import { dotted } from "./problem.ts";
import { REDACTED } from "./redact.ts";
import { mapSecrets } from "./secret-places.ts";

/** What a client has seen of the configuration, and what stands in the file there. */
export interface Seen {
  /** The same configuration as `config.get` shows it, in each of its stages. */
  views: readonly unknown[];
  /** As it is written. */
  written: unknown;
}

/**
 * What a client means with a configuration that it has read, changed and sent back: whatever it gives back just as it
 * was shown stands for what the file says there. So a secret that was shown redacted, a reference to a variable that
 * was shown with its value and an included part stay what they are on disk (attack 40).
 * @param keepsDefaults whether a default that was shown and is given back is to be written into the file
 */
export function takeBack(given: unknown, seen: Seen, keepsDefaults: boolean): unknown {
  const { views, written } = seen;
  if (views.some((view) => view !== undefined && Bun.deepEquals(view, given))) {
    return written === undefined && keepsDefaults ? given : written;
  }
  if (Array.isArray(given)) {
    return given.map((item, index) => takeBack(item, elementOf(seen, given, item, index), keepsDefaults) ?? item);
  }
  if (!isTree(given)) return given;
  const out: Tree = {};
  for (const [key, value] of Object.entries(given)) {
    const meant = takeBack(value, childOf(seen, key), keepsDefaults);
    if (meant !== undefined) out[key] = meant;
  }
  return out;
}

function childOf({ views, written }: Seen, key: string): Seen {
  const at = (value: unknown): unknown => (isTree(value) && Object.hasOwn(value, key) ? value[key] : undefined);
  return { views: views.map(at), written: at(written) };
}

/** The element that a given one was before; the place of none is taken for another's unless that is certain. */
function elementOf({ views, written }: Seen, all: readonly unknown[], item: unknown, index: number): Seen {
  const place = Array.isArray(written) ? placeOf(views, written, all, item, index) : -1;
  if (place < 0) return { views: [], written: undefined };
  return { views: views.map((view) => elementAt(view, place)), written: (written as unknown[])[place] };
}

/**
 * By id, where the element has one. Else its own place, when it stands there as it was shown and none came or went; else
 * the one place where it was shown so; else, when none came or went, its own place.
 */
function placeOf(
  views: readonly unknown[],
  written: readonly unknown[],
  all: readonly unknown[],
  item: unknown,
  index: number,
): number {
  if (isTree(item) && typeof item.id === "string") {
    return written.findIndex((other) => isTree(other) && other.id === item.id);
  }
  const isShownAt = (at: number): boolean => views.some((view) => Bun.deepEquals(elementAt(view, at), item));
  const isSameLength = all.length === written.length;
  if (isSameLength && isShownAt(index)) return index;
  const places = [...written.keys()].filter(isShownAt);
  // Hidden secrets look alike: then only equal ones may be taken for each other.
  if (places.every((at) => Bun.deepEquals(written[at], written[places[0]!])) && places.length > 0) return places[0]!;
  return isSameLength ? index : -1;
}

const elementAt = (view: unknown, at: number): unknown => (Array.isArray(view) ? view[at] : undefined);

/** @throws GatewayError when the text that stands for a secret is to be written as if it were a value */
export function refuseRedacted(tree: Tree): void {
  mapSecrets(tree, {
    value: (value, isSecret, names) => {
      if (typeof value !== "string" || !value.includes(REDACTED)) return value;
      const key = dotted(names);
      throw invalidRequest(
        isSecret
          ? `Sentinel value "${REDACTED}" in key ${key} is not valid as real data`
          : `Reserved redaction sentinel "${REDACTED}" is not valid config data (${key}).`,
      );
    },
    reference: (ref, names) => {
      if (!ref.id.includes(REDACTED)) return ref;
      throw invalidRequest(`Sentinel value "${REDACTED}" in key ${dotted(names)}.id is not valid as real data`);
    },
  });
}
