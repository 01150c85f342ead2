import type { Origin } from "../types.ts";
import type { Family } from "./phrase-table.ts";

type Weights = Readonly<Record<Family, number>>;

const FULL: Weights = {
  override: 1,
  extraction: 0.9,
  persona: 0.9,
  addressed: 1,
  concealment: 1,
  exfiltration: 1,
  structure: 1,
  smuggling: 1,
  learned: 1,
};

/** Text that people write for people and machines: it may well describe roles, modes and rules. */
const DATA: Weights = { ...FULL, extraction: 0.7, persona: 0.7 };

/**
 * How much a sign counts by who speaks. The owner may tell the own assistant anything; only what the owner cannot have
 * seen (characters that are not shown) counts in full. A file is often documentation, a model repeats what it read.
 */
export const ORIGIN_WEIGHTS: Readonly<Record<Origin, Weights>> = {
  owner: {
    override: 0.3,
    extraction: 0.3,
    persona: 0.3,
    addressed: 0.2,
    concealment: 0.2,
    exfiltration: 0.4,
    structure: 0.3,
    smuggling: 0.8,
    learned: 0.3,
  },
  "paired-user": {
    override: 0.75,
    extraction: 0.7,
    persona: 0.75,
    addressed: 0.5,
    concealment: 0.6,
    exfiltration: 0.8,
    structure: 0.75,
    smuggling: 0.9,
    learned: 0.85,
  },
  "channel-stranger": FULL,
  "tool-result": DATA,
  web: DATA,
  mail: DATA,
  file: { ...DATA, addressed: 0.7, structure: 0.8 },
  model: {
    override: 0.6,
    extraction: 0.5,
    persona: 0.5,
    addressed: 0.5,
    concealment: 0.6,
    exfiltration: 0.8,
    structure: 0.6,
    smuggling: 0.9,
    learned: 0.6,
  },
};
