import { readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { CONFIG_DEFAULTS } from "../generated/config.ts";
import { labelledItems, printEvaluation } from "../src/cli/defend-eval.ts";
import { evaluate, type LabelledText, originOf } from "../src/defender/evaluation.ts";
import { promptGuard } from "../src/defender/prompt/guard.ts";
import { FEATURE_SPACE } from "../src/defender/prompt/model/features.ts";
import { type Model, packed, withModel } from "../src/defender/prompt/model/model.ts";
import type { Finding } from "../src/defender/types.ts";
import { seeded } from "./prompts/grammar.ts";
import { type Domain, learnMean, type Weights } from "./prompts/learn.ts";
import { documents, labelledTexts, madeTexts, sourceOf, type Text } from "./prompts/texts.ts";

const root = join(import.meta.dir, "..");
const WEIGHTS = join(root, "src/defender/prompt/model/weights.bin");
const SEED = 1;
const ORDERS = [1, 2, 3];
const MADE = 5000;
const DOCUMENTS = 400;
/** Share of the harmless texts that may score above the threshold, all from sources that the model has not seen. */
const FALSE_POSITIVES = 0.0145;
/** What a document of a folder counts against a labelled text when the threshold is chosen; there are many of them. */
const DOCUMENT_SHARE = 0.25;

/** A text and what a model says of it that was trained without the text's source. */
interface Outcome {
  text: Text;
  score: number;
}

/** Trains once for each source without it, and judges its attacks and its harmless texts by that. */
function leaveOneSourceOut(all: readonly Text[]): { outcomes: Outcome[]; without: Map<string, Weights> } {
  const without = new Map<string, Weights>();
  const sources = [...new Set(all.map(({ source }) => source))].filter((source) => source !== "made");
  const outcomes = sources.flatMap((source) => {
    const weights = learnMean(
      all.filter((text) => text.source !== source),
      ORDERS,
    );
    without.set(source, weights);
    return all
      .filter((text) => text.source === source)
      .map((text) => ({ text, score: weights.best(text.windows, text.domain) }));
  });
  return { outcomes, without };
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

/** The whole prompt guard on labelled texts, each judged by a model that has not seen the text's source. */
async function measure(items: readonly LabelledText[], models: ReadonlyMap<string, Model>): Promise<void> {
  const { reviewScore, blockScore } = CONFIG_DEFAULTS.security.defender;
  const evaluation = await evaluate(items, async (item) => {
    const inspect = (): Finding[] =>
      promptGuard.inspect({ text: item.text, origin: originOf(item), checkTime: () => {} });
    const model = models.get(sourceOf(item));
    if (model === undefined) throw new Error(`no model without ${sourceOf(item)}`);
    const score = Math.max(0, ...withModel(model, inspect).map((finding) => finding.score));
    return { score, verdict: score >= blockScore ? "block" : score >= reviewScore ? "review" : "allow" };
  });
  printEvaluation({ out: (line) => console.log(line) }, evaluation);
}

/** How many harmless documents of the folders would be reviewed. */
function reportDocuments(outcomes: readonly Outcome[], threshold: number): void {
  const groups = Map.groupBy(
    outcomes.filter(({ text }) => text.kind === "document"),
    ({ text }) => text.source.split("/").slice(-2).join("/"),
  );
  for (const [name, group] of groups) {
    const above = group.filter(({ score }) => score > threshold).length;
    console.log(`documents of ${name}: ${above} of ${group.length} reviewed`);
  }
}

const read = (path: string): LabelledText[] => labelledItems(readFileSync(path, "utf8"));

/**
 * usage: train-prompts.ts LABELLED.jsonl [MORE.jsonl …] [FOLDER …] [--check]
 *
 * The first file is trained on, the others (texts derived from it) are only measured. Folders hold harmless documents:
 * Markdown, code, plain text. With `--check` the weights are not written.
 */
async function main(words: readonly string[]): Promise<void> {
  const paths = words.filter((word) => !word.startsWith("--"));
  const [first, ...further] = paths.filter((path) => path.endsWith(".jsonl"));
  if (first === undefined)
    throw new Error("usage: train-prompts.ts LABELLED.jsonl [MORE.jsonl …] [FOLDER …] [--check]");
  const folders = paths.filter((path) => !path.endsWith(".jsonl"));
  const items = read(first);
  const made = madeTexts(MADE, seeded(SEED));
  const all = [...labelledTexts(items), ...made, ...folders.flatMap((folder) => documents(folder, DOCUMENTS))];
  console.log(`${all.length} texts, of which ${made.length} made`);
  const { outcomes, without } = leaveOneSourceOut(all);
  const thresholds: [number, number] = [thresholdOf(outcomes, 0), thresholdOf(outcomes, 1)];
  console.log(`thresholds: ${thresholds.map((value) => value.toFixed(3)).join(" and ")}`);
  const models = new Map([...without].map(([source, weights]) => [source, quantised(weights, thresholds)]));
  for (const path of [first, ...further]) {
    console.log(`\n${basename(path)}, every text judged by a model that has not seen its source`);
    await measure(path === first ? items : read(path), models);
  }
  reportDocuments(outcomes, thresholds[1]);
  if (words.includes("--check")) return;
  writeFileSync(WEIGHTS, packed(quantised(learnMean(all, ORDERS), thresholds)));
  console.log(`wrote ${relative(root, WEIGHTS)}`);
}

await main(process.argv.slice(2));
