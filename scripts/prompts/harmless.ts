import { expand, grammarIn, pick, type Random, type Slots } from "./grammar.ts";

interface Harmless {
  /** What a person sends. */
  messages: readonly string[];
  /** Mails, documents and results of tools. */
  data: readonly string[];
  lists: Slots;
  /** Further lists for texts in data. */
  listsInData: Slots;
}

const { messages, data, lists, listsInData } = grammarIn<Harmless>("harmless.yaml");
const dataLists = { ...lists, ...listsInData };

export const harmlessMessage = (random: Random): string => expand(pick(messages, random), lists, random);
export const harmlessData = (random: Random): string => expand(pick(data, random), dataLists, random);
