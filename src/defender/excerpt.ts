import type { SecretScanner } from "../platform/secrets.ts";

/**
 * What of a judged text is kept with its decision: at most `length` characters around what decided, credentials
 * masked. Masking sees more than what is kept, so that no credential is cut in two and missed.
 */
export function excerptOf(
  text: string,
  span: readonly [number, number] | undefined,
  length: number,
  scanner: SecretScanner,
): string {
  const middle = span === undefined ? 0 : (span[0] + Math.min(span[1], span[0] + length)) >> 1;
  const start = Math.max(0, Math.min(middle - (length >> 1), text.length - length));
  const end = Math.min(text.length, start + length);
  const from = Math.max(0, start - MARGIN);
  const shown = maskedPart(text.slice(from, end + MARGIN), start - from, end - from, scanner);
  return `${start > 0 ? "…" : ""}${shown}${end < text.length ? "…" : ""}`;
}

/** Longer than any credential without its line breaks. */
const MARGIN = 2048;

function maskedPart(around: string, start: number, end: number, scanner: SecretScanner): string {
  const matches = scanner.find(around);
  let shown = "";
  let from = start;
  for (const match of matches) {
    if (match.end <= start || match.start >= end) continue;
    shown += `${around.slice(from, Math.max(from, match.start))}[redacted:${match.rule}]`;
    from = match.end;
  }
  return shown + around.slice(from, Math.max(from, end));
}
