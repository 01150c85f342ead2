import { commandLine } from "../../../approvals/command/words.ts";
import type { Source } from "./read.ts";

/** A word of a text that is to be another. */
export interface Edit {
  source: Source;
  at: readonly [start: number, end: number];
  word: string;
}

/** The outermost text with its edits, also those within the texts that it gives to shells. Edits do not overlap. */
export function edited(source: Source, edits: readonly Edit[]): string {
  const own = edits.filter((edit) => edit.source === source).map(({ at, word }) => ({ at, text: quoted(word) }));
  const inner = new Set(edits.map((edit) => below(edit.source, source)).filter((each) => each !== undefined));
  for (const each of inner) own.push({ at: each.within!.at, text: quoted(edited(each, edits)) });
  let result = "";
  let from = 0;
  for (const { at, text } of own.sort((a, b) => a.at[0] - b.at[0])) {
    result += source.text.slice(from, at[0]) + text;
    from = at[1];
  }
  return result + source.text.slice(from);
}

/** The text right within `outer` in which `source` lies, if any. */
function below(source: Source, outer: Source): Source | undefined {
  for (let at: Source | undefined = source; at !== undefined; at = at.within?.source) {
    if (at.within?.source === outer) return at;
  }
  return undefined;
}

const quoted = (word: string): string => commandLine([word]);
