import type { GatewayConfig } from "../../generated/config.ts";
import type {
  DefenderChannelPolicy,
  DefenderCommandRules,
  DefenderPolicyDocument,
  DefenderPolicyRules,
  DefenderProfile,
  DefenderToolPolicy,
} from "../../generated/types.ts";
import type { Finding, Verdict } from "./types.ts";

/** What holds for one decision: when a text is refused, when a person is asked, and what weighs how much. */
export interface Policy {
  enabled: boolean;
  /** Decide and record, and let everything pass. */
  auditOnly: boolean;
  profile: DefenderProfile;
  reviewScore: number;
  blockScore: number;
  /** What a guard leads to that fails, and one that takes too long. */
  onFailure: Verdict;
  onTimeout: Verdict;
  /** What an action leads to that words of strangers ask for and the owner did not. */
  taint: "off" | "review" | "block";
  credentials: "redact" | "block";
  tools: Readonly<Record<string, DefenderToolPolicy>>;
  channels: Readonly<Record<string, DefenderChannelPolicy>>;
  /** Scores of findings in place of their own; 0 turns one off. */
  rules: Readonly<Record<string, number>>;
  commands: DefenderCommandRules;
  /** Names the document that it comes from. */
  version: string;
}

/** A document, and the name of this very version of it. */
export interface PolicyVersion {
  document: DefenderPolicyDocument;
  version: string;
}

/** For whom and what a decision is made, as far as policy may differ by it. */
export interface PolicySubject {
  agentId?: string;
  provider?: string;
  model?: string;
}

type Rules = DefenderPolicyRules;
type Named = Pick<Policy, "reviewScore" | "blockScore" | "onFailure" | "onTimeout" | "taint">;

/** What the profiles mean. `balanced` is what holds without a document, unless the configuration has other scores. */
export const PROFILES: Readonly<Record<DefenderProfile, Named>> = {
  relaxed: { reviewScore: 65, blockScore: 90, onFailure: "review", onTimeout: "review", taint: "review" },
  balanced: { reviewScore: 50, blockScore: 80, onFailure: "review", onTimeout: "review", taint: "review" },
  strict: { reviewScore: 35, blockScore: 70, onFailure: "block", onTimeout: "block", taint: "review" },
};

const NO_DOCUMENT: PolicyVersion = { document: { version: 1 }, version: "config" };

/**
 * The policy of a configuration and, when there is one, of a document: the document's profile, over it what the document
 * itself says, then its part for the provider, then that for the agent. `auditOnly` of the configuration always counts.
 * Scores outside 0 to 100 would switch the defender off silently; they are cut.
 */
export function policyOf(
  { security }: Pick<GatewayConfig, "security">,
  { document, version }: PolicyVersion = NO_DOCUMENT,
  subject: PolicySubject = {},
): Policy {
  const { enabled, auditOnly, reviewScore, blockScore } = security.defender;
  const base: Policy = {
    enabled,
    auditOnly: false,
    profile: "balanced",
    ...PROFILES.balanced,
    reviewScore,
    blockScore,
    credentials: "redact",
    tools: {},
    channels: {},
    rules: {},
    commands: document.commands ?? {},
    version,
  };
  const layers = [document, forProvider(document, subject), own(document.agents, subject.agentId)];
  const policy = layers.reduce<Policy>((under, layer) => (layer === undefined ? under : laidOver(under, layer)), base);
  return {
    ...policy,
    auditOnly: auditOnly || policy.auditOnly,
    reviewScore: clamp(policy.reviewScore, 1),
    blockScore: clamp(policy.blockScore, 1),
  };
}

/** `anthropic/claude-x` before `anthropic`. */
function forProvider({ providers }: DefenderPolicyDocument, { provider, model }: PolicySubject): Rules | undefined {
  if (provider === undefined) return undefined;
  return (model === undefined ? undefined : own(providers, `${provider}/${model}`)) ?? own(providers, provider);
}

function laidOver(under: Policy, rules: Rules): Policy {
  const { profile, thresholds, auditOnly, onFailure, onTimeout, taint, credentials, tools, channels } = rules;
  const named = profile === undefined ? under : { ...under, profile, ...PROFILES[profile] };
  return {
    ...named,
    auditOnly: auditOnly ?? named.auditOnly,
    reviewScore: thresholds?.review ?? named.reviewScore,
    blockScore: thresholds?.block ?? named.blockScore,
    onFailure: onFailure ?? named.onFailure,
    onTimeout: onTimeout ?? named.onTimeout,
    taint: taint ?? named.taint,
    credentials: credentials ?? named.credentials,
    tools: { ...named.tools, ...tools },
    channels: { ...named.channels, ...channels },
    rules: { ...named.rules, ...rules.rules },
  };
}

/** An entry of a map whose keys come from outside. */
export const own = <T>(map: Readonly<Record<string, T>> | undefined, key: string | undefined): T | undefined =>
  map !== undefined && key !== undefined && Object.hasOwn(map, key) ? map[key] : undefined;

const clamp = (score: number, least = 0): number => Math.min(100, Math.max(least, Math.round(score)));

/** What the policy says of a score. */
export function verdictOf(score: number, { reviewScore, blockScore }: Policy): Verdict {
  if (score >= blockScore) return "block";
  return score >= reviewScore ? "review" : "allow";
}

/** The score that leads to a verdict. */
export function scoreFor(verdict: Verdict, { reviewScore, blockScore }: Policy): number {
  if (verdict === "block") return blockScore;
  return verdict === "review" ? Math.min(reviewScore, blockScore) : 0;
}

/**
 * What guards found, as the policy weighs it: its own score for a rule in place of the guard's, then what it adds for the
 * tool and the channel. What it turned off is left out. A guard that failed is not weighed, nor what the policy itself says.
 */
export function weighed(
  found: readonly Finding[],
  policy: Policy,
  { tool, channel }: { tool?: string; channel?: string },
): Finding[] {
  const ruled = found.flatMap((finding) => tainted(finding, policy));
  const added = (own(policy.tools, tool)?.weight ?? 0) + (own(policy.channels, channel)?.weight ?? 0);
  if (added === 0 && Object.keys(policy.rules).length === 0) return ruled;
  return ruled.flatMap((finding) => {
    if (isFailure(finding) || /^(?:policy|taint)\./.test(finding.id)) return [finding];
    const base = own(policy.rules, finding.id) ?? finding.score;
    return base === 0 ? [] : [{ ...finding, score: clamp(base + added) }];
  });
}

/** What words of strangers ask for leads to what the policy says of it, whatever its score, unless it turns that off. */
function tainted(finding: Finding, policy: Policy): Finding[] {
  if (!finding.id.startsWith("taint.")) return [finding];
  return policy.taint === "off" || own(policy.rules, finding.id) === 0
    ? []
    : [{ ...finding, score: scoreFor(policy.taint, policy) }];
}

/** Whether a finding says that a guard could not do its work. */
export const isFailure = ({ id }: Finding): boolean => id === "guard.failed" || id === "guard.out-of-time";

/** Highest score first; equal ones by name and place, so that the same text always gives the same order. */
export function ranked(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) => b.score - a.score || (a.id < b.id ? -1 : a.id > b.id ? 1 : (a.span?.[0] ?? 0) - (b.span?.[0] ?? 0)),
  );
}
