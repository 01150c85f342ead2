/** A severe event of a sensor. */
export interface SensorEvent {
  /** Epoch milliseconds. */
  at: number;
  /** Short words; safe to show. */
  tags: string[];
}

/** How far a sensor's clock may be ahead. */
const AHEAD_MS = 60_000;
const SEVERE = new Set(["critical", "crit", "high", "severe", "alert", "emergency", "emerg", "fatal"]);
const MIDDLE = new Set(["medium", "moderate", "warning", "warn", "error"]);
/** What makes an event severe that a sensor is less sure of. */
const GRAVE =
  /malware|ransom|rootkit|exploit|credential|exfil|c2|command-and-control|reverse-?shell|privilege|tamper|injection|persistence|lateral|cryptomin/i;
const MAX_TAGS = 16;
const MAX_TAG_CHARS = 40;

/**
 * Reads a line of the feed: `timestampMs`, `severity` or `level` (a word, or a number of 10 or of 100), `tags`.
 * @returns null for what is no event, not severe, or from the future
 */
export function sensorEvent(line: string, now: number): SensorEvent | null {
  if (line.trim() === "") return null;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { timestampMs, severity, level, tags } = value as Record<string, unknown>;
  const at = typeof timestampMs === "number" && Number.isFinite(timestampMs) ? timestampMs : now;
  if (at > now + AHEAD_MS) return null;
  const words = (Array.isArray(tags) ? tags : []).filter((tag): tag is string => typeof tag === "string");
  const known = words
    .slice(0, MAX_TAGS)
    .map(plain)
    .filter((tag) => tag !== "");
  return isSevere(severity ?? level, known) ? { at, tags: known } : null;
}

function isSevere(severity: unknown, tags: readonly string[]): boolean {
  const isGrave = tags.some((tag) => GRAVE.test(tag));
  if (typeof severity === "number") {
    const ofTen = severity > 10 ? severity / 10 : severity;
    return ofTen >= 7 || (ofTen >= 4 && isGrave);
  }
  const word = typeof severity === "string" ? severity.trim().toLowerCase() : "";
  return SEVERE.has(word) || (MIDDLE.has(word) && isGrave);
}

/** A tag may hold anything; what is shown of it holds nothing but a word. */
const plain = (tag: string): string => tag.replace(/[^\w.:-]/g, "").slice(0, MAX_TAG_CHARS);
