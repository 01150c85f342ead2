import type { SecretMatch } from "../platform/secrets.ts";
import type { Finding } from "./types.ts";

const OWN = "known-secret";

/** One finding per kind of credential, at its first place. The gateway's own weigh most. */
export function credentialFindings(matches: readonly SecretMatch[]): Finding[] {
  const first = new Map<string, SecretMatch>();
  for (const match of matches) if (!first.has(match.rule)) first.set(match.rule, match);
  return [...first.values()].map(({ rule, start, end }) => ({
    id: `outbound.${rule}`,
    score: rule === OWN ? 90 : rule === "assigned-secret" ? 60 : 75,
    reason:
      rule === OWN
        ? "The text contained one of the gateway's own secrets; it was taken out."
        : `The text contained a credential (${rule.replaceAll("-", " ")}); it was taken out.`,
    span: [start, end],
  }));
}
