import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { FEATURE_SPACE } from "../src/defender/prompt/model/features.ts";
import { type Model, packed } from "../src/defender/prompt/model/model.ts";
import { seeded } from "./prompts/grammar.ts";
import { type Domain, learn, type Weights } from "./prompts/learn.ts";
import { documents, labelledTexts, madeTexts, type Text } from "./prompts/texts.ts";

const root = join(import.meta.dir, "..");
const WEIGHTS = join(root, "src/defender/prompt/model/weights.bin");
const SEED = 1;
const MADE = 5000;
const DOCUMENTS = 400;
/** Share of the harmless texts that may score above the threshold, all from sources that the model has not seen. */
const FALSE_POSITIVES = 0.013;
/** What a document of a folder counts against a labelled text when the threshold is chosen; there are many of them. */
const DOCUMENT_SHARE = 0.25;

/** A text and what a model says of it that was trained without the text's source. */
interface Outcome {
  text: Text;
  score: number;
}

/** Trains once for each source without it, and judges its attacks and its harmless texts by that. */
function leaveOneSourceOut(all: readonly Text[]): Outcome[] {
  const sources = [...new Set(all.map(({ source }) => source))].filter((source) => source !== "made");
  return sources.flatMap((source) => {
    const weights = learn(
      all.filter((text) => text.source !== source),
      seeded(SEED),
    );
    return all
      .filter((text) => text.source === source)
      .map((text) => ({ text, score: weights.best(text.windows, text.domain) }));
  });
}

function thresholdOf(outcomes: readonly Outcome[], domain: Domain): number {
  const mass = ({ text }: Outcome): number => (text.kind === "document" ? DOCUMENT_SHARE : 1);
  const harmless = outcomes
    .filter(({ text }) => text.domain === domain && !text.isAttack)
    .sort((a, b) => b.score - a.score);
  let left = FALSE_POSITIVES * harmless.reduce((sum, outcome) => sum + mass(outcome), 0);
  for (const outcome of harmless) {
    left -= mass(outcome);
    if (left < 0) return outcome.score;
  }
  return 0;
}

/** Weights in a byte each: rare giants are cut, so that the others keep their differences. */
function quantised(weights: Weights, thresholds: [number, number]): Model {
  const tables = [0, 1].map((domain) => {
    const sums = Float32Array.from(weights.shared, (value, i) => value + weights.own[domain as Domain][i]!);
    const sizes = Float32Array.from(sums, Math.abs).sort();
    const unit = sizes[Math.floor(0.9999 * FEATURE_SPACE)]! / 127;
    return { unit, table: Int8Array.from(sums, (value) => Math.max(-127, Math.min(127, Math.round(value / unit)))) };
  });
  const [persons, data] = tables as [(typeof tables)[0], (typeof tables)[0]];
  return {
    tables: [persons.table, data.table],
    units: [persons.unit, data.unit],
    biases: [weights.bias[0]!, weights.bias[1]!],
    thresholds,
  };
}

function report(outcomes: readonly Outcome[], thresholds: readonly number[]): void {
  const groups = Map.groupBy(
    outcomes,
    ({ text }) => `${text.isAttack ? "attack" : "benign"} ${text.kind} of ${shown(text.source)}`,
  );
  for (const [name, group] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const above = group.filter(({ text, score }) => score > thresholds[text.domain]!).length;
    console.log(
      `${name.padEnd(80)} ${String(above).padStart(4)} of ${String(group.length).padStart(4)}  ${((100 * above) / group.length).toFixed(1)} %`,
    );
  }
}

const shown = (source: string): string => source.split("/").slice(-2).join("/");

/** usage: train-prompts.ts LABELLED.jsonl [FOLDER OF HARMLESS DOCUMENTS …] [--check] */
function main(words: readonly string[]): void {
  const [labelled, ...folders] = words.filter((word) => !word.startsWith("--"));
  if (labelled === undefined)
    throw new Error("usage: train-prompts.ts LABELLED.jsonl [FOLDER OF HARMLESS DOCUMENTS …] [--check]");
  const all = [
    ...labelledTexts(labelled),
    ...madeTexts(MADE, seeded(SEED)),
    ...folders.flatMap((folder) => documents(folder, DOCUMENTS)),
  ];
  console.log(`${all.length} texts; what is left out below was not trained on`);
  const outcomes = leaveOneSourceOut(all);
  const thresholds: [number, number] = [thresholdOf(outcomes, 0), thresholdOf(outcomes, 1)];
  report(outcomes, thresholds);
  console.log(`thresholds: ${thresholds.map((value) => value.toFixed(3)).join(" and ")}`);
  if (words.includes("--check")) return;
  writeFileSync(WEIGHTS, packed(quantised(learn(all, seeded(SEED)), thresholds)));
  console.log(`wrote ${relative(root, WEIGHTS)}`);
}

main(process.argv.slice(2));
