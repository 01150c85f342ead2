import type { Decision, Origin, Verdict } from "./types.ts";

/** One line of a labelled set. */
export interface LabelledText {
  text: string;
  label: "attack" | "benign";
  kind: string;
  source: string;
  /** Where it is taken to come from; otherwise the kind says. */
  origin?: Origin;
}

/** A share with its 95 % Wilson interval. */
export interface Share {
  count: number;
  of: number;
  share: number;
  low: number;
  high: number;
}

export interface Rates {
  /** Decided review or block. */
  flagged: Share;
  blocked: Share;
}

export interface Evaluation {
  attack: Rates;
  benign: Rates;
  /** Benign texts apart from those that carry smuggling characters, which are rightly reviewed. */
  benignWithoutSmuggling: Rates;
  byKind: (Rates & { name: string; label: LabelledText["label"] })[];
  bySource: (Rates & { name: string; label: LabelledText["label"] })[];
  /** Mean of the recall and the share of benign texts that are allowed. */
  balancedAccuracy: number;
  /** Chance that an attack scores higher than a benign text. */
  auc: number;
  /** What share of the attacks scores above all but this share of the benign texts, at the best threshold on this very set. */
  recallAt: { falsePositives: number; threshold: number; recall: number }[];
  /** Milliseconds of one decision, after a warm-up. */
  latency: { upTo: string; count: number; median: number; p99: number; max: number }[];
}

/**
 * Where a kind of text arrives: `direct-*` and `benign-user-*` from a person who is not the owner, the others of the
 * set from tools. Encoded texts are those of persons.
 */
export function originOf({ origin, kind }: Pick<LabelledText, "origin" | "kind">): Origin {
  if (origin !== undefined) return origin;
  return /^(?:direct|benign-user|obf)-/.test(kind) ? "channel-stranger" : "tool-result";
}

/** Smuggling by these is a sign in itself, whoever does it. */
const SMUGGLING_KINDS = /^obf-(?:zero-width|homoglyph|tag-chars)$/;
const WARM_UP = 200;
const SIZES: readonly (readonly [string, number])[] = [
  ["1 KB", 1024],
  ["32 KB", 32 * 1024],
  ["more", Number.POSITIVE_INFINITY],
];

type Outcome = Pick<LabelledText, "label" | "kind" | "source"> & {
  verdict: Verdict;
  score: number;
  chars: number;
  ms: number;
};

/**
 * Has every text judged and counts. `judge` decides one item as the product would. The same items and the same engine
 * give the same figures, latency apart.
 */
export async function evaluate(
  items: readonly LabelledText[],
  judge: (item: LabelledText) => Promise<Pick<Decision, "verdict" | "score">>,
): Promise<Evaluation> {
  for (const item of items.slice(0, WARM_UP)) await judge(item);
  const outcomes: Outcome[] = [];
  for (const item of items) {
    const started = performance.now();
    const { verdict, score } = await judge(item);
    const ms = performance.now() - started;
    const { label, kind, source, text } = item;
    outcomes.push({ label, kind, source, verdict, score, chars: text.length, ms });
  }
  const attacks = outcomes.filter(({ label }) => label === "attack");
  const benign = outcomes.filter(({ label }) => label === "benign");
  const [attack, harmless] = [rates(attacks), rates(benign)];
  return {
    attack,
    benign: harmless,
    benignWithoutSmuggling: rates(benign.filter(({ kind }) => !SMUGGLING_KINDS.test(kind))),
    byKind: grouped(outcomes, "kind"),
    bySource: grouped(outcomes, "source"),
    balancedAccuracy: (attack.flagged.share + 1 - harmless.flagged.share) / 2,
    auc: areaUnderCurve(attacks, benign),
    recallAt: [0.01, 0.02, 0.05].map((share) => recallAt(share, attacks, benign)),
    latency: latencies(outcomes),
  };
}

/** A share with the 95 % interval of Wilson; 0 of 0 has the widest. */
export function wilson(count: number, of: number): Share {
  if (of === 0) return { count, of, share: 0, low: 0, high: 1 };
  const z = 1.959964;
  const share = count / of;
  const middle = share + (z * z) / (2 * of);
  const half = z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of));
  const scale = 1 + (z * z) / of;
  return { count, of, share, low: Math.max(0, (middle - half) / scale), high: Math.min(1, (middle + half) / scale) };
}

const rates = (outcomes: readonly Outcome[]): Rates => ({
  flagged: wilson(outcomes.filter(({ verdict }) => verdict !== "allow").length, outcomes.length),
  blocked: wilson(outcomes.filter(({ verdict }) => verdict === "block").length, outcomes.length),
});

function grouped(outcomes: readonly Outcome[], by: "kind" | "source"): Evaluation["byKind"] {
  const groups = Map.groupBy(outcomes, (outcome) => `${outcome.label} ${outcome[by]}`);
  return [...groups.values()]
    .map((group) => ({ name: group[0]![by], label: group[0]!.label, ...rates(group) }))
    .sort((a, b) => (a.label + a.name < b.label + b.name ? -1 : 1));
}

/** The Mann-Whitney statistic: equal scores count half. */
function areaUnderCurve(attacks: readonly Outcome[], benign: readonly Outcome[]): number {
  const below = benign.map(({ score }) => score).sort((a, b) => a - b);
  const position = (score: number, inclusive: boolean): number => {
    let [low, high] = [0, below.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (below[middle]! < score || (inclusive && below[middle] === score)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const wins = attacks.reduce((sum, { score }) => sum + (position(score, false) + position(score, true)) / 2, 0);
  return wins / Math.max(1, attacks.length * benign.length);
}

function recallAt(falsePositives: number, attacks: readonly Outcome[], benign: readonly Outcome[]) {
  const falling = benign.map(({ score }) => score).sort((a, b) => b - a);
  const threshold = falling[Math.floor(falsePositives * falling.length)] ?? 0;
  const above = attacks.filter(({ score }) => score > threshold).length;
  return { falsePositives, threshold, recall: above / Math.max(1, attacks.length) };
}

function latencies(outcomes: readonly Outcome[]): Evaluation["latency"] {
  let smallest = 0;
  return SIZES.flatMap(([upTo, size]) => {
    const group = outcomes.filter(({ chars }) => chars > smallest && chars <= size).map(({ ms }) => ms);
    smallest = size;
    if (group.length === 0) return [];
    group.sort((a, b) => a - b);
    const at = (share: number): number => group[Math.min(group.length - 1, Math.floor(share * group.length))]!;
    return [{ upTo, count: group.length, median: at(0.5), p99: at(0.99), max: group.at(-1)! }];
  });
}
