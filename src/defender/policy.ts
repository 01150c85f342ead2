import type { GatewayConfig } from "../../generated/config.ts";
import type { Finding, Verdict } from "./types.ts";

/** When a text is refused, and when a person is asked. From `security.defender` of the configuration. */
export interface Policy {
  enabled: boolean;
  /** Decide and record, and let everything pass. */
  auditOnly: boolean;
  reviewScore: number;
  blockScore: number;
}

/** The policy of a configuration. Scores outside 0 to 100 would switch the defender off silently; they are cut. */
export function policyOf({ security }: Pick<GatewayConfig, "security">): Policy {
  const { enabled, auditOnly, reviewScore, blockScore } = security.defender;
  return { enabled, auditOnly, reviewScore: clamp(reviewScore), blockScore: clamp(blockScore) };
}

const clamp = (score: number): number => Math.min(100, Math.max(1, Math.round(score)));

/** What the policy says of a score. */
export function verdictOf(score: number, { reviewScore, blockScore }: Policy): Verdict {
  if (score >= blockScore) return "block";
  return score >= reviewScore ? "review" : "allow";
}

/** Highest score first; equal ones by name and place, so that the same text always gives the same order. */
export function ranked(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) => b.score - a.score || (a.id < b.id ? -1 : a.id > b.id ? 1 : (a.span?.[0] ?? 0) - (b.span?.[0] ?? 0)),
  );
}
