import { createHash } from "node:crypto";
import { LIMITS } from "../../../generated/limits.ts";
import type { DefenderPolicyDocument } from "../../../generated/types.ts";
import { check, explain } from "../../protocol/validate.ts";
import type { PolicyVersion } from "../policy.ts";

/** A text that is no policy, in words for the person who wrote it. */
export class PolicyProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = "PolicyProblem";
  }
}

/** The type whose validator knows documents; there are validators of parameters alone. */
const HOLDER = "DefenderPolicySetParams";

/**
 * Reads a policy as YAML or JSON. Its version is named by the text itself.
 * @throws PolicyProblem for anything that is no policy, also one in which a key stands twice
 */
export async function parsePolicy(text: string): Promise<PolicyVersion> {
  if (text.length > LIMITS.defenderPolicyBytes) throw new PolicyProblem("The policy is too long.");
  let value: unknown;
  try {
    value = Bun.YAML.parse(text);
  } catch {
    throw new PolicyProblem("The policy cannot be read as YAML.");
  }
  const twice = keyTwice(text);
  if (twice !== undefined) throw new PolicyProblem(`The policy has the key ${twice} twice.`);
  return { document: await checkedPolicy(value ?? {}), version: versionOf(text) };
}

/** @throws PolicyProblem with the place of what is wrong */
export async function checkedPolicy(value: unknown): Promise<DefenderPolicyDocument> {
  const holder = { document: value };
  if (!check(HOLDER, holder)) throw new PolicyProblem(`The policy is not right: ${await explain(HOLDER, holder)}.`);
  const document = value as DefenderPolicyDocument;
  for (const rules of [document, ...Object.values(document.providers ?? {}), ...Object.values(document.agents ?? {})]) {
    const { review, block } = rules.thresholds ?? {};
    if (review !== undefined && block !== undefined && review > block) {
      throw new PolicyProblem("The policy is not right: thresholds.review is above thresholds.block.");
    }
  }
  return document;
}

/** Names a text: the same text has the same version everywhere. */
export const versionOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);

/**
 * A key that stands twice at the left edge; the reader would take the last one without a word, and a list of what is
 * denied would be gone.
 */
function keyTwice(text: string): string | undefined {
  const seen = new Set<string>();
  for (const [, key] of text.matchAll(/^["']?([A-Za-z]+)["']?[ \t]*:/gm)) {
    if (seen.has(key!)) return key;
    seen.add(key!);
  }
  return undefined;
}
