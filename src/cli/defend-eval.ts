import {
  type Evaluation,
  evaluate,
  type LabelledText,
  originOf,
  type Rates,
  type Share,
} from "../defender/evaluation.ts";
import { localDefender } from "../defender/local.ts";
import type { Decision } from "../defender/types.ts";
import { EXIT, type Invocation } from "./command.ts";
import { inputText } from "./defend-input.ts";
import { CliFailure } from "./failure.ts";
import { type Io, writeJson } from "./io.ts";
import { loadConfig } from "./target.ts";
import { printable, table } from "./text.ts";

/** Measures the defender on labelled texts: recall and false positives by kind and source, and the time it takes. */
export async function run({ args, options, io, env }: Invocation): Promise<number> {
  const items = labelledItems(inputText(args[0] === "-" ? "-" : { path: args[0]! }));
  const defender = localDefender(await loadConfig(env));
  const evaluation = await evaluate(items, (item): Promise<Decision> => {
    const { text, kind } = item;
    const origin = originOf(item);
    if (!kind.startsWith("cmd-")) return defender.screen(text, { direction: "inbound", origin });
    return defender.judge({ kind: "command", command: text, cwd: "/work", host: "gateway" }, { origin });
  });
  if (options.flag("json")) writeJson(io, evaluation);
  else printEvaluation(io, evaluation);
  return EXIT.ok;
}

/** One JSON object per line. @throws CliFailure with the number of the first line that is none */
export function labelledItems(text: string): LabelledText[] {
  const lines = text.split("\n").map((line, index) => [line.trim(), index + 1] as const);
  const items = lines.filter(([line]) => line !== "").map(([line, number]) => item(line, number));
  if (items.length === 0) throw new CliFailure("There is no labelled text.");
  return items;
}

function item(line: string, number: number): LabelledText {
  let value: Partial<LabelledText> | null = null;
  try {
    value = JSON.parse(line) as Partial<LabelledText> | null;
  } catch {
    // Said below.
  }
  const { text, label, kind = "unknown", source = "unknown", origin } = value ?? {};
  if (typeof text === "string" && (label === "attack" || label === "benign")) {
    return { text, label, kind: String(kind), source: String(source), origin };
  }
  throw new CliFailure(`Line ${number} has no "text", or a "label" other than attack and benign.`);
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const interval = ({ share, low, high }: Share): string => `${percent(share)} (${percent(low)} to ${percent(high)})`;
const row = (name: string, { flagged, blocked }: Rates): string[] => [
  printable(name),
  String(flagged.of),
  interval(flagged),
  interval(blocked),
];

/** Tables for people. */
export function printEvaluation(io: Pick<Io, "out">, evaluation: Evaluation): void {
  const { attack, benign, benignWithoutSmuggling, byKind, bySource, recallAt, latency } = evaluation;
  const rows = [row("attacks", attack), row("benign", benign)];
  if (benignWithoutSmuggling.flagged.of < benign.flagged.of) {
    rows.push(row("benign without smuggling characters", benignWithoutSmuggling));
  }
  const section = (title: string, groups: Evaluation["byKind"]): void => {
    rows.push(["", "", "", ""]);
    for (const group of groups) rows.push(row(`${group.label} ${title} ${group.name}`, group));
  };
  section("kind", byKind);
  section("source", bySource);
  for (const line of table(["", "texts", "review or block (95 %)", "block (95 %)"], rows)) io.out(line);
  io.out("");
  io.out(
    `balanced accuracy ${percent(evaluation.balancedAccuracy)}, area under the curve ${evaluation.auc.toFixed(3)}`,
  );
  for (const { falsePositives, threshold, recall } of recallAt) {
    io.out(`recall ${percent(recall)} at ${percent(falsePositives)} false positives (scores above ${threshold})`);
  }
  const ms = (value: number): string => `${value.toFixed(2)} ms`;
  const times = latency.map(({ upTo, count, median, p99, max }) => [upTo, String(count), ms(median), ms(p99), ms(max)]);
  io.out("");
  for (const line of table(["size up to", "texts", "median", "99 %", "longest"], times)) io.out(line);
}
