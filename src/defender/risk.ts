import { isFailure } from "./policy.ts";
import type { Finding } from "./types.ts";

/** Something that makes every action more doubtful while it lasts: a changed host, an alarm of a sensor. */
export interface RiskSource {
  /** What is the matter now; the score of each is what it adds. Empty when all is well. */
  risk(): readonly Finding[] | Promise<readonly Finding[]>;
}

/** The most that is added in all: an action in which nothing is found needs a person, and is not refused outright. */
const MAX_ADDED = 60;

/** What was found of an action while something else is the matter. Findings of the policy itself stay what they are. */
export function raised(found: readonly Finding[], risks: readonly Finding[]): Finding[] {
  if (risks.length === 0) return [...found];
  const added = Math.min(
    MAX_ADDED,
    risks.reduce((sum, { score }) => sum + score, 0),
  );
  const higher = found.map((finding) =>
    isFailure(finding) || finding.id.startsWith("policy.") || finding.score === 0
      ? finding
      : { ...finding, score: Math.min(100, finding.score + added) },
  );
  return [...higher, ...risks.map((risk) => ({ ...risk, score: added }))];
}
