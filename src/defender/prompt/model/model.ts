import { readFileSync } from "node:fs";
import type { Origin } from "../../types.ts";
import type { Sign } from "../phrases.ts";
import { FEATURE_SPACE, scaleOf, type Window, windowsOf } from "./features.ts";
import weightsPath from "./weights.bin" with { type: "file" };

/** What the model says of a text, and of which part of it. */
export interface Opinion {
  /** 0 when it is at the threshold, above it for what reads like an attack; in the model's own units. */
  excess: number;
  /** Offsets in the text. */
  start: number;
  end: number;
}

/** One table of weights for each domain: persons, and data from tools. */
export interface Model {
  tables: readonly [Int8Array, Int8Array];
  /** What one unit of a table is worth. */
  units: readonly [number, number];
  biases: readonly [number, number];
  /** Scores from here on are taken for attacks. */
  thresholds: readonly [number, number];
}

const HEADER_FLOATS = 6;

/** `weights.bin`: unit, bias and threshold of each domain as 32-bit floats, then the tables. Little-endian. */
export function packed({ tables, units, biases, thresholds }: Model): Uint8Array {
  const header = new Float32Array([0, 1].flatMap((domain) => [units[domain]!, biases[domain]!, thresholds[domain]!]));
  const out = new Uint8Array(HEADER_FLOATS * 4 + 2 * FEATURE_SPACE);
  out.set(new Uint8Array(header.buffer), 0);
  for (const domain of [0, 1] as const)
    out.set(new Uint8Array(tables[domain].buffer), header.byteLength + domain * FEATURE_SPACE);
  return out;
}

/** The inverse of {@link packed}. @throws Error when the length is not that of a model */
export function unpacked(bytes: Uint8Array): Model {
  if (bytes.length !== HEADER_FLOATS * 4 + 2 * FEATURE_SPACE) throw new Error("not the weights of this model");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const of = (field: number): [number, number] => [
    view.getFloat32(field * 4, true),
    view.getFloat32((field + 3) * 4, true),
  ];
  const table = (domain: number): Int8Array =>
    new Int8Array(bytes.buffer, bytes.byteOffset + HEADER_FLOATS * 4 + domain * FEATURE_SPACE, FEATURE_SPACE);
  return { tables: [table(0), table(1)], units: of(0), biases: of(1), thresholds: of(2) };
}

let loaded: Model | undefined;

/** The model that is part of the executable; read with the first text that is judged. */
function shipped(): Model {
  loaded ??= unpacked(readFileSync(weightsPath));
  return loaded;
}

/** Does some work with another model in the place of the shipped one: how a model is measured that has not seen a source. */
export function withModel<T>(model: Model, work: () => T): T {
  const before = loaded;
  loaded = model;
  try {
    return work();
  } finally {
    loaded = before;
  }
}

const DATA: ReadonlySet<Origin> = new Set(["tool-result", "web", "mail", "file"]);
/** Which table judges words of this origin. */
export const domainOf = (origin: Origin): 0 | 1 => (DATA.has(origin) ? 1 : 0);

/** Asks the model about a normalised text, of which rules have found the signs. Linear in its length. */
export function opinionOf(text: string, signs: readonly Sign[], origin: Origin, model: Model = shipped()): Opinion {
  const domain = domainOf(origin);
  let best: Opinion = { excess: Number.NEGATIVE_INFINITY, start: 0, end: 0 };
  for (const window of windowsOf(text, signs)) {
    const excess = scoreOf(window, model, domain) - model.thresholds[domain];
    if (excess > best.excess) best = { excess, start: window.start, end: window.end };
  }
  return best;
}

function scoreOf({ features, strengths }: Window, { tables, units, biases }: Model, domain: 0 | 1): number {
  const table = tables[domain];
  let sum = 0;
  for (let i = 0; i < features.length; i++) sum += strengths[i]! * table[features[i]!]!;
  return sum * units[domain] * scaleOf(features.length) + biases[domain];
}
