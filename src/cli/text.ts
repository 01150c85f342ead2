/** Words for people: ages, intervals, tables. */

const UNITS: readonly [seconds: number, letter: string][] = [
  [86_400, "d"],
  [3600, "h"],
  [60, "m"],
];

/** How long ago something was: `just now`, `5m ago`, `2h ago`, `3d ago`. */
export function ago(ms: number): string {
  const unit = UNITS.find(([seconds]) => ms >= seconds * 1000);
  return unit === undefined ? "just now" : `${Math.floor(ms / 1000 / unit[0])}${unit[1]} ago`;
}

/** An interval in the largest unit that divides it: `1d`, `90m`, `45s`. */
export function every(ms: number): string {
  const seconds = ms / 1000;
  const unit = UNITS.find(([size]) => seconds >= size && seconds % size === 0);
  return unit === undefined ? `${seconds}s` : `${seconds / unit[0]}${unit[1]}`;
}

/** Rows under a head, in columns two blanks apart. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}

/** What came from elsewhere may hold control characters that would steer the terminal; they are shown, not sent. */
export function printable(text: string): string {
  return text.replace(/(?![\t\n])\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
