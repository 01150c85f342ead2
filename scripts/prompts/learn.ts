import { FEATURE_SPACE, scaleOf, type Window } from "../../src/defender/prompt/model/features.ts";
import { type Random, seeded } from "./grammar.ts";

/** Who speaks: a person, or data that a tool has brought. */
export type Domain = 0 | 1;

/** A labelled text, cut into windows. An attack has at least one bad window; a harmless text has none. */
export interface Example {
  isAttack: boolean;
  domain: Domain;
  windows: readonly Window[];
  /** How much the text counts. */
  weight: number;
}

export interface LearnOptions {
  epochs: number;
  rate: number;
  /** How strongly weights are pulled to nothing; more makes the model simpler. */
  decay: number;
  /** The same for what holds of one domain only. */
  domainDecay: number;
  /** Share of the features that each step sees: what must do without some learns to rely on many. */
  keep: number;
}

export const DEFAULTS: LearnOptions = { epochs: 4, rate: 0.35, decay: 2e-5, domainDecay: 1e-4, keep: 0.5 };

/** One weight for each feature, and what each domain adds to it. */
export class Weights {
  readonly shared = new Float32Array(FEATURE_SPACE);
  readonly own = [new Float32Array(FEATURE_SPACE), new Float32Array(FEATURE_SPACE)] as const;
  readonly bias = new Float32Array(2);

  score({ features, strengths }: Window, domain: Domain): number {
    const own = this.own[domain];
    let sum = 0;
    for (let i = 0; i < features.length; i++) {
      const feature = features[i]!;
      sum += strengths[i]! * (this.shared[feature]! + own[feature]!);
    }
    return sum * scaleOf(features.length) + this.bias[domain]!;
  }

  /** The highest score of a text's windows. */
  best(windows: readonly Window[], domain: Domain): number {
    return windows.reduce((best, window) => Math.max(best, this.score(window, domain)), Number.NEGATIVE_INFINITY);
  }
}

/** The mean of several models, each trained in an order of its own: what they owe to chance cancels out. */
export function learnMean(examples: readonly Example[], seeds: readonly number[]): Weights {
  const mean = new Weights();
  for (const seed of seeds) {
    const { shared, own, bias } = learn(examples, seeded(seed));
    addShare(mean.shared, shared, seeds.length);
    addShare(mean.own[0], own[0], seeds.length);
    addShare(mean.own[1], own[1], seeds.length);
    addShare(mean.bias, bias, seeds.length);
  }
  return mean;
}

function addShare(sum: Float32Array, values: Float32Array, parts: number): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i]! / parts;
}

/**
 * Logistic regression by stochastic gradients with a step of its own for each weight. Of an attack only the window that
 * looks worst is learned from, once there is a first idea of what is bad; of a harmless text all are.
 */
function learn(examples: readonly Example[], random: Random, options: LearnOptions = DEFAULTS): Weights {
  const weights = new Weights();
  const steps = [
    new Float32Array(FEATURE_SPACE),
    new Float32Array(FEATURE_SPACE),
    new Float32Array(FEATURE_SPACE),
  ] as const;
  const order = examples.map((_, index) => index);
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    shuffle(order, random);
    for (const index of order) {
      const { isAttack, domain, windows, weight } = examples[index]!;
      if (windows.length === 0) continue;
      if (isAttack && epoch > 0) {
        step(weights, steps, worst(weights, windows, domain), domain, 1, weight, options, random);
        continue;
      }
      const share = weight / (isAttack ? windows.length : Math.sqrt(windows.length));
      for (const window of windows) step(weights, steps, window, domain, isAttack ? 1 : 0, share, options, random);
    }
  }
  return weights;
}

function worst(weights: Weights, windows: readonly Window[], domain: Domain): Window {
  let best = windows[0]!;
  let score = Number.NEGATIVE_INFINITY;
  for (const window of windows) {
    const own = weights.score(window, domain);
    if (own > score) [best, score] = [window, own];
  }
  return best;
}

function step(
  weights: Weights,
  steps: readonly Float32Array[],
  window: Window,
  domain: Domain,
  target: number,
  weight: number,
  { rate, decay, domainDecay, keep }: LearnOptions,
  random: Random,
): void {
  const { features, strengths } = window;
  const own = weights.own[domain];
  const scale = scaleOf(features.length) / keep;
  let kept = 0;
  let sum = 0;
  for (let i = 0; i < features.length; i++) {
    if (random() >= keep) continue;
    chosen[kept++] = i;
    sum += strengths[i]! * (weights.shared[features[i]!]! + own[features[i]!]!);
  }
  const error = (1 / (1 + Math.exp(-sum * scale - weights.bias[domain]!)) - target) * weight;
  for (let k = 0; k < kept; k++) {
    const feature = features[chosen[k]!]!;
    const slope = error * strengths[chosen[k]!]! * scale;
    move(weights.shared, steps[2]!, feature, slope, rate, decay * weight);
    move(own, steps[domain]!, feature, slope, rate, domainDecay * weight);
  }
  weights.bias[domain]! -= 0.02 * error;
}

const chosen = new Int32Array(16_384);

function move(values: Float32Array, steps: Float32Array, at: number, slope: number, rate: number, decay: number): void {
  const full = slope + decay * values[at]!;
  steps[at]! += full * full;
  values[at]! -= (rate * full) / Math.sqrt(1e-6 + steps[at]!);
}

function shuffle(order: number[], random: Random): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
}
