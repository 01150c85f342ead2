import { createHmac } from "node:crypto";
import type { DefenderPolicyDocument, DefenderToolPolicy } from "../../../generated/types.ts";
import { stableJson } from "../../platform/json.ts";
import { versionOf } from "../policy/document.ts";
import { type Bundle, policyIn } from "./bundle.ts";
import { timeOf } from "./keyring.ts";
import { SignatureProblem } from "./minisign.ts";

type Raw = Record<string, unknown>;

/** Whether a text is a bundle of the older kind, which carries its signature within itself. */
export function isHmacBundle(text: string): boolean {
  try {
    return typeof (JSON.parse(text) as Raw | null)?.signature === "string";
  } catch {
    return false;
  }
}

/**
 * Reads a bundle of the older kind, signed with HMAC-SHA256 over its content as JSON with sorted keys. Whoever can check
 * such a bundle can also make one; so it is only read where the configuration allows it.
 * @param keys secrets by key id; `default` for bundles that name none
 * @throws SignatureProblem with what is wrong
 */
export async function readHmacBundle(text: string, keys: Readonly<Record<string, string>>): Promise<Bundle> {
  const { signature, ...unsigned } = JSON.parse(text) as Raw;
  const keyId = typeof unsigned.keyId === "string" ? unsigned.keyId : "default";
  const key = Object.hasOwn(keys, keyId) ? keys[keyId] : undefined;
  if (key === undefined || key === "")
    throw new SignatureProblem(`The bundle was signed with the unknown key ${keyId}.`);
  const given = String(signature)
    .trim()
    .toLowerCase()
    .replace(/^sha256:/, "");
  const expected = createHmac("sha256", key).update(stableJson(unsigned)).digest("hex");
  // Who puts the file there learns nothing from how long this takes: it is read in the background.
  if (given !== expected) throw new SignatureProblem("The signature does not belong to this content.");
  const version = unsigned.version ?? 1;
  if (!Number.isSafeInteger(version) || (version as number) < 1)
    throw new SignatureProblem("The version is no number.");
  const { policy, ignored } = translated((unsigned.policy ?? {}) as Raw);
  const checked = await policyIn(policy);
  return {
    version: version as number,
    signedAt: timeOf(unsigned.signedAt, "signedAt") ?? 0,
    stage: typeof unsigned.rolloutStage === "string" ? unsigned.rolloutStage : "full",
    keyId,
    notBefore: Number.NEGATIVE_INFINITY,
    notAfter: Number.POSITIVE_INFINITY,
    policy: checked,
    policyVersion: versionOf(stableJson(checked)),
    ignored,
  };
}

/** Its figures in our words. Lists of regular expressions have none: here commands are known by their shape. */
function translated(raw: Raw): { policy: DefenderPolicyDocument; ignored: string[] } {
  const field = (name: string, old: string): unknown => raw[name] ?? raw[old];
  const policy: DefenderPolicyDocument = { version: 1 };
  const review = field("reviewThreshold", "review_threshold");
  const block = field("blockThreshold", "block_threshold");
  const tools: Record<string, DefenderToolPolicy> = {};
  for (const [name, floor] of entries(field("toolPolicies", "tool_policies"))) {
    tools[name] = { ...tools[name], floor: String(floor).toLowerCase() as DefenderToolPolicy["floor"] };
  }
  for (const [name, bonus] of entries(field("toolRiskBonus", "tool_risk_bonus"))) {
    tools[name] = { ...tools[name], weight: bonus as number };
  }
  const channels = entries(field("channelRiskBonus", "channel_risk_bonus")).map(
    ([name, bonus]) => [name, { weight: bonus as number }] as const,
  );
  const prefixes = field("allowedCommandPrefixes", "allowed_command_prefixes");
  const names = [
    "blockedCommandPatterns",
    "blocked_command_patterns",
    "promptInjectionPatterns",
    "prompt_injection_patterns",
  ];
  return {
    policy: {
      ...policy,
      ...(review !== undefined || block !== undefined
        ? {
            thresholds: {
              ...(review !== undefined && { review: review as number }),
              ...(block !== undefined && { block: block as number }),
            },
          }
        : {}),
      ...(Object.keys(tools).length > 0 && { tools }),
      ...(channels.length > 0 && { channels: Object.fromEntries(channels) }),
      ...(Array.isArray(prefixes) && { commands: { allow: prefixes.flatMap(asRule) } }),
    },
    ignored: names.filter((name) => Array.isArray(raw[name]) && (raw[name] as unknown[]).length > 0),
  };
}

const entries = (value: unknown): [string, unknown][] =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).map(([name, entry]) => [name.trim().toLowerCase(), entry])
    : [];

/** `git ` allows every call of git. */
function asRule(prefix: unknown) {
  const [program, ...args] = String(prefix).trim().split(/\s+/);
  return program ? [{ program, args: [...args, "**"] }] : [];
}
