import { domainToUnicode } from "node:url";
import { LOOKALIKES, STYLED_LETTERS } from "../prompt/confusables.ts";
import type { Finding } from "../types.ts";
import { KNOWN_NAMES, LURES } from "./known-names.ts";

/** Letters that pass for others in names of hosts and are no look-alikes inside a text. */
const IN_HOSTS: ReadonlyMap<string, string> = new Map([
  ["ӏ", "l"],
  ["ı", "i"],
  ["ŀ", "l"],
  ["ł", "l"],
  ["đ", "d"],
  ["ø", "o"],
]);

/** Below these a name is too common a word for its misspellings to mean anything; shortened ones are sooner words. */
const MIN_TYPO_CHARS = 6;
const MIN_SHORTENED_CHARS = 7;

/** Names that are meant to be taken for others. Linear in the host's length. */
export function lookalikeFindings(host: string): Finding[] {
  const labels = host.split(".");
  const shown = host.includes("xn--") ? domainToUnicode(host).split(".") : labels;
  const found: Finding[] = [];
  const names = labels.length > 1 ? labels.slice(0, -1) : labels;
  names.forEach((label, i) => {
    const seen = shown[i] ?? label;
    const finding = label.startsWith("xn--") ? international(seen, shown.at(-1) ?? "") : plain(label);
    if (finding !== undefined) found.push(finding);
  });
  if (isNameOfOther(labels)) {
    found.push(
      finding("borrowed-name", 65, "The host begins with the name of a well-known site and belongs to another."),
    );
  }
  return found;
}

function international(label: string, ending: string): Finding | undefined {
  // What cannot be read back is no name that anybody could have registered.
  if (label.startsWith("xn--") || label === "") {
    return finding("international-host", 60, "The host's name cannot be read.");
  }
  const skeleton = skeletonOf(label);
  if (isKnown(skeleton)) return finding("lookalike", 85, "The host's name looks like that of a well-known site.");
  const scripts = scriptsOf(label);
  if (scripts.has("Latin") && (scripts.has("Cyrillic") || scripts.has("Greek") || scripts.has("Armenian"))) {
    return finding("mixed-scripts", 75, "The host's name mixes letters of scripts that look alike.");
  }
  const isAllLookalike = !scripts.has("Latin") && /^[a-z0-9-]+$/.test(skeleton);
  if (isAllLookalike && /^[a-z0-9-]+$/.test(ending)) {
    return finding("lookalike", 65, "The host's name has letters that pass for Latin ones.");
  }
  return finding("international-host", 20, "The host's name has letters beyond the Latin ones.");
}

function plain(label: string): Finding | undefined {
  if (KNOWN_NAMES.has(label)) return undefined;
  if (isKnown(label)) return finding("lookalike", 80, "The host's name looks like that of a well-known site.");
  if (typos().has(label)) return finding("misspelt", 55, "The host's name is that of a well-known site, misspelt.");
  const words = label.split("-");
  if (words.length < 2 || words.length > 8) return undefined;
  if (words.some((word) => !KNOWN_NAMES.has(word) && isKnown(word))) {
    return finding("lookalike", 75, "The host's name holds one that looks like that of a well-known site.");
  }
  if (words.some((word) => KNOWN_NAMES.has(word)) && words.some((word) => LURES.has(word))) {
    return finding("lure", 60, "The host's name is that of a well-known site with what asks for trust.");
  }
  return undefined;
}

/** `paypal.com.example.net`: a whole name of a known site, and then whose it is. */
function isNameOfOther(labels: readonly string[]): boolean {
  // Two more labels: with one it is a country's own ending.
  return labels.some(
    (label, i) => i + 3 < labels.length && KNOWN_NAMES.has(label) && /^(?:com|org|net|io|co)$/.test(labels[i + 1]!),
  );
}

/** The letters that a reader sees, look-alikes and accents undone. */
function skeletonOf(label: string): string {
  let plain = "";
  for (const letter of label.normalize("NFKC").toLowerCase()) {
    plain += IN_HOSTS.get(letter) ?? LOOKALIKES.get(letter) ?? STYLED_LETTERS.get(letter) ?? letter;
  }
  return plain.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** What a glance takes for the same: `rn` and `m`, `0` and `o`, `1`, `i` and `l`. */
const glance = (name: string): string =>
  name
    .replaceAll("rn", "m")
    .replaceAll("vv", "w")
    .replaceAll("0", "o")
    .replace(/[1i|]/g, "l")
    .replaceAll("5", "s")
    .replaceAll("3", "e")
    .replaceAll("4", "a");

let glances: ReadonlySet<string> | undefined;
function isKnown(name: string): boolean {
  glances ??= new Set([...KNOWN_NAMES].map(glance));
  return glances.has(glance(name));
}

let misspelt: ReadonlySet<string> | undefined;
/** Longer known names with a letter left out, doubled, or changed places with the next. */
function typos(): ReadonlySet<string> {
  if (misspelt !== undefined) return misspelt;
  const all = new Set<string>();
  for (const name of KNOWN_NAMES) {
    if (name.length < MIN_TYPO_CHARS) continue;
    for (let i = 1; i < name.length - 1; i++) {
      if (name.length >= MIN_SHORTENED_CHARS) all.add(name.slice(0, i) + name.slice(i + 1));
      all.add(name.slice(0, i) + name[i]! + name.slice(i));
      all.add(name.slice(0, i) + name[i + 1]! + name[i]! + name.slice(i + 2));
    }
  }
  for (const name of KNOWN_NAMES) all.delete(name);
  misspelt = all;
  return all;
}

const SCRIPTS = ["Latin", "Cyrillic", "Greek", "Armenian"] as const;
const SCRIPT_OF = SCRIPTS.map((name) => [name, new RegExp(`\\p{Script=${name}}`, "u")] as const);

const scriptsOf = (label: string): ReadonlySet<(typeof SCRIPTS)[number]> =>
  new Set(SCRIPT_OF.flatMap(([name, letter]) => (letter.test(label) ? [name] : [])));

const finding = (id: string, score: number, reason: string): Finding => ({ id: `url.${id}`, score, reason });
