/**
 * What changed between two texts, as upstream's clients show it: lines with ` `, `-` or `+` and their number, four
 * unchanged ones around each change, `...` for those left out. Empty when nothing did.
 */
export function showDiff(before: string, after: string, maxChars: number): string {
  const [old, now] = [linesOf(before), linesOf(after)];
  const width = String(Math.max(old.length, now.length)).length;
  const rows: string[] = [];
  const row = (sign: string, number: number, line: string) =>
    rows.push(`${sign}${String(number).padStart(width)} ${line}`);
  const regions = changedRegions(old, now);
  let shown = 0;
  regions.forEach(({ from, to, at, until }, index) => {
    const lead = Math.max(from - CONTEXT, shown);
    if (lead > shown) rows.push(` ${" ".repeat(width)} ...`);
    for (let line = lead; line < from; line++) row(" ", line + 1, old[line]!);
    for (let line = from; line < to; line++) row("-", line + 1, old[line]!);
    for (let line = at; line < until; line++) row("+", line + 1, now[line]!);
    const next = regions[index + 1]?.from ?? old.length;
    shown = Math.min(to + CONTEXT, next);
    for (let line = to; line < shown; line++) row(" ", line + 1, old[line]!);
    if (index === regions.length - 1 && shown < old.length) rows.push(` ${" ".repeat(width)} ...`);
  });
  const text = rows.join("\n");
  return text.length > maxChars ? `${text.slice(0, maxChars)}\n...` : text;
}

const CONTEXT = 4;

/** Lines of the old text from `from` to `to` became those of the new one from `at` to `until`. */
interface Region {
  from: number;
  to: number;
  at: number;
  until: number;
}

/**
 * Regions that differ. Between what both have at the beginning and the end, lines that stand once in each side keep
 * their place (patience diff, one level), which is enough for what edits do and never slow.
 */
function changedRegions(old: readonly string[], now: readonly string[]): Region[] {
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head++;
  let tail = 0;
  while (tail < old.length - head && tail < now.length - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
  const [oldEnd, nowEnd] = [old.length - tail, now.length - tail];
  const kept = keptLines(old, now, head, oldEnd, nowEnd);
  const regions: Region[] = [];
  let [from, at] = [head, head];
  for (const [a, b] of [...kept, [oldEnd, nowEnd] as const]) {
    if (a > from || b > at) regions.push({ from, to: a, at, until: b });
    [from, at] = [a + 1, b + 1];
  }
  return regions;
}

/** Pairs of equal lines that stay in order: those unique on both sides, and their equal neighbours. */
function keptLines(old: readonly string[], now: readonly string[], head: number, oldEnd: number, nowEnd: number) {
  const inOld = places(old, head, oldEnd);
  const inNow = places(now, head, nowEnd);
  const pairs: [number, number][] = [];
  for (const [line, a] of inOld) {
    const b = inNow.get(line);
    if (a >= 0 && b !== undefined && b >= 0) pairs.push([a, b]);
  }
  const anchors = longestRise(pairs);
  const kept: [number, number][] = [];
  let [a, b] = [head, head];
  for (const [x, y] of [...anchors, [oldEnd, nowEnd] as [number, number]]) {
    while (a < x && b < y && old[a] === now[b]) kept.push([a++, b++]);
    const back: [number, number][] = [];
    for (let [i, j] = [x - 1, y - 1]; i >= a && j >= b && old[i] === now[j]; i--, j--) back.push([i, j]);
    kept.push(...back.reverse());
    if (x < oldEnd || y < nowEnd) kept.push([x, y]);
    [a, b] = [x + 1, y + 1];
  }
  return kept;
}

/** Where each line stands in a part; -1 for one that stands there more than once. */
function places(lines: readonly string[], from: number, to: number): Map<string, number> {
  const found = new Map<string, number>();
  for (let at = from; at < to; at++) found.set(lines[at]!, found.has(lines[at]!) ? -1 : at);
  return found;
}

/** The longest choice of pairs, which are in the order of the first numbers, whose second numbers rise too. */
function longestRise(pairs: readonly [number, number][]): [number, number][] {
  const ends: number[] = [];
  const before: number[] = [];
  pairs.forEach(([, value], index) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pairs[ends[middle]!]![1] < value) low = middle + 1;
      else high = middle;
    }
    before[index] = low > 0 ? ends[low - 1]! : -1;
    ends[low] = index;
  });
  const chosen: [number, number][] = [];
  for (let at = ends.at(-1) ?? -1; at >= 0; at = before[at]!) chosen.push(pairs[at]!);
  return chosen.reverse();
}

function linesOf(text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
