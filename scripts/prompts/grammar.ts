import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** Random numbers that are the same for the same seed. */
export type Random = () => number;

/** Mulberry32. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const pick = <T>(items: readonly T[], random: Random): T => items[Math.floor(random() * items.length)]!;

/** Named lists of alternatives; each may hold slots and choices itself. */
export type Slots = Readonly<Record<string, readonly string[]>>;

/**
 * A sentence out of a template: `{name}` is one of a list, `[a|b|]` one of the alternatives.
 * @throws Error for a list that does not exist
 */
export function expand(template: string, slots: Slots, random: Random, depth = 0): string {
  if (depth > 12) throw new Error(`endless template: ${template}`);
  const chosen = template
    .replace(/\[([^[\]]*\|[^[\]]*)\]/g, (_all, options: string) => pick(options.split("|"), random))
    .replace(/\{(\w+)\}/g, (_all, name: string) => {
      const list = slots[name];
      if (list === undefined) throw new Error(`no list ${name} in: ${template}`);
      return expand(pick(list, random), slots, random, depth + 1);
    });
  return /\{\w+\}/.test(chosen) ? expand(chosen, slots, random, depth + 1) : chosen.replace(/ {2,}/g, " ").trim();
}

/** A file of templates and lists beside this one. */
export const grammarIn = <T>(name: string): T => parse(readFileSync(join(import.meta.dir, name), "utf8")) as T;
