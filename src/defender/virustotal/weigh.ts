import type { Finding } from "../types.ts";
import type { Reputation, Subject } from "./reputations.ts";

const DAY = 24 * 60 * 60 * 1000;
/** Engines that have to agree before anything is refused: a single one is often wrong. */
const AGREEMENT = 3;
/** How long ago the engines looked: until then the score counts whole, then less, then less again. */
const AGES: Readonly<Record<Subject["kind"], readonly [days: number, weight: number][]>> = {
  // A file stays what it is; what is found at an address does not.
  file: [
    [180, 1],
    [730, 0.8],
    [Number.POSITIVE_INFINITY, 0.7],
  ],
  url: [
    [30, 1],
    [180, 0.75],
    [Number.POSITIVE_INFINITY, 0.5],
  ],
};

/** What the engines' answer means. One that is not known, and one that nobody complains of, changes nothing. */
export function reputationFindings(kind: Subject["kind"], found: Reputation, now: number): Finding[] {
  const base = baseOf(found);
  if (!found.isKnown || base === 0) return [];
  const days = found.analysedAt === null ? Number.POSITIVE_INFINITY : (now - found.analysedAt) / DAY;
  const [, weight] = AGES[kind].find(([limit]) => days <= limit)!;
  const { malicious, suspicious, clean } = found;
  const engines = malicious + suspicious + clean;
  const complaints = `${malicious} of ${engines} engines call the ${kind === "file" ? "file" : "address"} malicious`;
  const odd = suspicious > 0 ? `, ${suspicious} suspicious` : "";
  const age = weight < 1 ? "; they looked long ago" : "";
  return [{ id: "virustotal.engines", score: Math.round(base * weight), reason: `${complaints}${odd}${age}.` }];
}

function baseOf({ malicious, suspicious }: Reputation): number {
  if (malicious >= AGREEMENT) return 90;
  if (malicious + suspicious >= AGREEMENT) return 70;
  return malicious > 0 ? 60 : suspicious > 0 ? 40 : 0;
}
