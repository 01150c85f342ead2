import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type LabelledText, originOf } from "../../src/defender/evaluation.ts";
import { signsIn } from "../../src/defender/prompt/guard.ts";
import { windowsOf } from "../../src/defender/prompt/model/features.ts";
import { domainOf } from "../../src/defender/prompt/model/model.ts";
import { normalise } from "../../src/defender/prompt/normalise.ts";
import { directAttack, indirectAttack } from "./attacks.ts";
import { foreignAttack, foreignHarmless } from "./foreign.ts";
import { pick, type Random } from "./grammar.ts";
import { harmlessData, harmlessMessage } from "./harmless.ts";
import type { Domain, Example } from "./learn.ts";

/** A text for training or for measuring. Texts of one source are left out together. */
export interface Text extends Example {
  source: string;
  kind: string;
  text: string;
}

const MADE = "made";

/** @param weight how much the text counts in training */
export function textOf(
  text: string,
  facts: { isAttack: boolean; domain: Domain; source: string; kind: string; weight: number },
): Text {
  const plain = normalise(text).text;
  return { ...facts, text, windows: [...windowsOf(plain, signsIn(plain))] };
}

/** The repository that a labelled text comes from, also one that was derived from it. */
export const sourceOf = ({ source }: LabelledText): string => source.replace(/ \(.*/, "");

/** Labelled texts for training. Kinds count by the root of their number, so that none drowns the others. */
export function labelledTexts(items: readonly LabelledText[]): Text[] {
  const key = ({ kind, source }: LabelledText): string => `${kind} ${source}`;
  const sizes = new Map<string, number>();
  for (const item of items) sizes.set(key(item), (sizes.get(key(item)) ?? 0) + 1);
  return items.map((item) =>
    textOf(item.text, {
      isAttack: item.label === "attack",
      domain: domainOf(originOf(item)),
      source: sourceOf(item),
      kind: item.kind,
      weight: 8 / Math.sqrt(sizes.get(key(item))!),
    }),
  );
}

/** Texts made for training: attacks and harmless ones, by themselves and inside of documents. */
export function madeTexts(count: number, random: Random): Text[] {
  const texts: Text[] = [];
  const add = (text: string, kind: string, isAttack: boolean, domain: Domain, weight = 0.5): void => {
    texts.push(textOf(text, { isAttack, domain, source: MADE, kind, weight }));
  };
  for (let i = 0; i < count; i++) {
    add(directAttack(random), "made-direct", true, 0);
    add(harmlessMessage(random), "made-message", false, 0, 0.8);
    add(harmlessData(random), "made-data", false, 1, 0.8);
    const { kind, text } = indirectAttack(random);
    add(random() < 0.75 ? placed(text, harmlessData(random), random) : text, `made-${kind}`, true, 1);
    add(foreignAttack(random, false), "made-foreign", true, 0, 1);
    if (i % 2 === 0) add(foreignHarmless(random), "made-foreign-harmless", false, 0, 0.6);
    if (i % 2 === 0) add(placed(foreignAttack(random, true), harmlessData(random), random), "made-foreign", true, 1);
    if (i % 4 === 0) add(foreignHarmless(random), "made-foreign-harmless", false, 1, 0.8);
    if (i % 4 === 0) add(placed(directAttack(random), harmlessData(random), random), "made-direct-in-data", true, 1);
  }
  return texts;
}

/** An attack inside a document: between two of its sentences or lines. */
function placed(attack: string, document: string, random: Random): string {
  const cuts = [...document.matchAll(/[.!?\n](?=\s|$)|': '/g)].map((match) => match.index + match[0].length);
  const at = cuts.length === 0 || random() < 0.2 ? document.length : pick(cuts, random);
  return `${document.slice(0, at)}${random() < 0.5 ? "\n" : " "}${attack}${random() < 0.5 ? "\n" : " "}${document.slice(at)}`;
}

const MAX_CHARS = 12_000;

/** Harmless documents of a folder (Markdown and code), at most `count`, evenly chosen. */
export function documents(folder: string, count: number): Text[] {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(?:md|ts|mts|txt)$/i.test(path))
    .sort()
    .map((path) => join(folder, path))
    .filter((path) => statSync(path).isFile());
  const step = Math.max(1, paths.length / count);
  const chosen = Array.from({ length: Math.min(count, paths.length) }, (_, i) => paths[Math.floor(i * step)]!);
  return chosen.map((path) =>
    textOf(readFileSync(path, "utf8").slice(0, MAX_CHARS), {
      isAttack: false,
      domain: 1,
      // A folder's subfolders differ from each other more than a folder's files.
      source: `${folder} ${hash(path.slice(folder.length).split("/").slice(0, 2).join("/")) % 3}`,
      kind: "document",
      weight: 0.5,
    }),
  );
}

function hash(text: string): number {
  let value = 7;
  for (let i = 0; i < text.length; i++) value = (value * 31 + text.charCodeAt(i)) >>> 0;
  return value;
}
