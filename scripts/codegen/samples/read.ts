import { readFileSync } from "node:fs";
import { join } from "node:path";

/** One change that makes the first valid sample of a type invalid. */
export interface Fault {
  /** The keyword of the schema that is broken. */
  why: string;
  /** JSON pointer to the value that is replaced, added or, when `value` is absent, removed. */
  at: string;
  value?: unknown;
}

/** `samples.json` as it is read. */
export interface SampleFile {
  /** Method to the types of its messages. */
  methods: Record<string, { params: string; result: string; accepted?: string }>;
  /** Event to the type of its payload. */
  events: Record<string, string>;
  /** Type to samples of it; `invalid` are faults of `valid[0]`. */
  types: Record<string, { valid: unknown[]; invalid: Fault[] }>;
}

/** Samples of one type as whole values. */
export interface TypeSamples {
  /** The first has every property that the type's own rules allow together. */
  valid: unknown[];
  invalid: { why: string; at: string; value: unknown }[];
}

/** The value with the fault in it; the value itself is left as it is. */
export function withFault(value: unknown, { at, value: by }: Fault): unknown {
  if (at === "") return by;
  const copy = structuredClone(value);
  const keys = at
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  const last = keys.pop()!;
  const owner = keys.reduce((node, key) => (node as Record<string, unknown>)[key], copy) as Record<string, unknown>;
  if (by === undefined) delete owner[last];
  else owner[last] = by;
  return copy;
}

/** The samples of the repository at `root`. */
export class Samples {
  private readonly file: SampleFile;

  constructor(root: string) {
    this.file = JSON.parse(readFileSync(join(root, "generated", "samples.json"), "utf8")) as SampleFile;
  }

  get methods(): SampleFile["methods"] {
    return this.file.methods;
  }

  get events(): SampleFile["events"] {
    return this.file.events;
  }

  get types(): string[] {
    return Object.keys(this.file.types);
  }

  /** @throws RangeError for a type that does not go over the wire */
  of(type: string): TypeSamples {
    const found = this.file.types[type];
    if (!found) throw new RangeError(`no samples of ${type}`);
    const invalid = found.invalid.map((fault) => ({ ...fault, value: withFault(found.valid[0], fault) }));
    return { valid: found.valid, invalid };
  }
}
