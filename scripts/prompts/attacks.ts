import { expand, grammarIn, pick, type Random, type Slots } from "./grammar.ts";

interface Attacks {
  /** What a person sends. */
  direct: readonly string[];
  /** What stands in data, by kind. */
  indirect: Readonly<Record<string, readonly string[]>>;
  lists: Slots;
  /** Further lists for texts in data. */
  listsInData: Slots;
}

const { direct, indirect, lists, listsInData } = grammarIn<Attacks>("attacks.yaml");
const kinds = Object.entries(indirect);
const dataLists = { ...lists, ...listsInData };

export const directAttack = (random: Random): string => cased(expand(pick(direct, random), lists, random), random);

export function indirectAttack(random: Random): { kind: string; text: string } {
  const [kind, templates] = pick(kinds, random);
  return { kind, text: cased(expand(pick(templates, random), dataLists, random), random) };
}

/** People write in capitals, in small letters, and mostly neither. */
function cased(text: string, random: Random): string {
  const how = random();
  if (how < 0.06) return text.toUpperCase();
  if (how < 0.2) return text.toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
