/** A measured value at a time. */
export interface Sample {
  atMs: number;
  value: number;
}

export interface Slope {
  /** Units of the value per hour. */
  perHour: number;
  /** Standard error of the slope, in the same unit. */
  error: number;
  samples: number;
}

const HOUR_MS = 3_600_000;

/** The line through the samples by least squares, or null for fewer than three. */
export function slopeOf(samples: readonly Sample[]): Slope | null {
  const count = samples.length;
  if (count < 3) return null;
  const meanX = samples.reduce((sum, { atMs }) => sum + atMs, 0) / count;
  const meanY = samples.reduce((sum, { value }) => sum + value, 0) / count;
  let xx = 0;
  let xy = 0;
  for (const { atMs, value } of samples) {
    xx += (atMs - meanX) ** 2;
    xy += (atMs - meanX) * (value - meanY);
  }
  if (xx === 0) return null;
  const slope = xy / xx;
  const residual = samples.reduce((sum, { atMs, value }) => sum + (value - meanY - slope * (atMs - meanX)) ** 2, 0);
  const error = Math.sqrt(residual / (count - 2) / xx);
  return { perHour: slope * HOUR_MS, error: error * HOUR_MS, samples: count };
}

/** What a window's first part is left out for: caches fill, code is compiled, the heap finds its size. */
export const WARM_UP_SHARE = 0.3;

/** The samples of a window without its warm-up. */
export function settled<T extends { atMs: number }>(samples: readonly T[]): T[] {
  const first = samples[0]?.atMs ?? 0;
  const last = samples.at(-1)?.atMs ?? 0;
  return samples.filter(({ atMs }) => atMs >= first + (last - first) * WARM_UP_SHARE);
}

/**
 * The least value of each stretch of time. Memory goes up and down as garbage comes and is collected; what a leak raises
 * is the level to which it comes down. A stretch with half the samples of the fullest one, as the last may be, is left out.
 */
export function lows(samples: readonly Sample[], everyMs: number): Sample[] {
  const slots = Map.groupBy(samples, ({ atMs }) => Math.floor((atMs - samples[0]!.atMs) / everyMs));
  const fullest = Math.max(0, ...[...slots.values()].map(({ length }) => length));
  const full = [...slots.values()].filter(({ length }) => length > fullest / 2);
  return full.map((slot) => slot.reduce((least, sample) => (sample.value < least.value ? sample : least)));
}
