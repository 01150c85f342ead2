import { describe, expect, test } from "bun:test";
import { CONFIG_DEFAULTS, type GatewayConfig } from "../../../generated/config.ts";
import type { DefenderPolicyDocument } from "../../../generated/types.ts";
import { policyOf, scoreFor, verdictOf, weighed } from "../policy.ts";
import { checkedPolicy, parsePolicy } from "./document.ts";

const CONFIG = CONFIG_DEFAULTS as unknown as GatewayConfig;
const of = (rules: Partial<DefenderPolicyDocument>, subject = {}) =>
  policyOf(CONFIG, { document: { version: 1, ...rules }, version: "v" }, subject);

test("without a document the configuration's scores hold; a profile stands in their place", () => {
  const config = { security: { ...CONFIG.security, defender: { ...CONFIG.security.defender, reviewScore: 11 } } };
  expect(policyOf(config).reviewScore).toBe(11);
  expect(policyOf(config, { document: { version: 1 }, version: "v" }).reviewScore).toBe(11);
  expect(policyOf(config, { document: { version: 1, profile: "balanced" }, version: "v" }).reviewScore).toBe(50);
});

test("a stricter profile asks and refuses sooner, and lets no guard fail open", () => {
  const [relaxed, balanced, strict] = (["relaxed", "balanced", "strict"] as const).map((profile) => of({ profile }));
  expect(relaxed!.reviewScore).toBeGreaterThan(balanced!.reviewScore);
  expect(balanced!.reviewScore).toBeGreaterThan(strict!.reviewScore);
  expect(relaxed!.blockScore).toBeGreaterThan(strict!.blockScore);
  for (const policy of [relaxed, balanced, strict]) {
    expect([policy!.onFailure, policy!.onTimeout]).not.toContain("allow");
  }
});

test("the provider's part lies over the document, the agent's over both, and lists are joined by name", () => {
  const document = {
    thresholds: { review: 40 },
    tools: { exec: { floor: "review" as const }, read: { weight: 1 } },
    providers: {
      openai: { thresholds: { review: 30 }, tools: { read: { weight: 2 } } },
      "openai/o1": { taint: "off" as const },
    },
    agents: { ops: { thresholds: { review: 20 }, auditOnly: true } },
  };
  expect(of(document).reviewScore).toBe(40);
  const provider = of(document, { provider: "openai" });
  expect(provider.reviewScore).toBe(30);
  expect(provider.tools).toEqual({ exec: { floor: "review" }, read: { weight: 2 } });
  expect(of(document, { provider: "openai", model: "o1" })).toMatchObject({ reviewScore: 40, taint: "off" });
  expect(of(document, { provider: "openai", agentId: "ops" })).toMatchObject({ reviewScore: 20, auditOnly: true });
  expect(of(document, { agentId: "__proto__" }).auditOnly).toBe(false);
});

test("a document cannot take back the configuration's watching", () => {
  const config = { security: { ...CONFIG.security, defender: { ...CONFIG.security.defender, auditOnly: true } } };
  expect(policyOf(config, { document: { version: 1, auditOnly: false }, version: "v" }).auditOnly).toBe(true);
});

describe("weights", () => {
  const found = [
    { id: "a", score: 45, reason: "" },
    { id: "b", score: 10, reason: "" },
  ];
  test("of tool and channel are added to what was found, within bounds, and to nothing else", () => {
    const policy = of({ tools: { exec: { weight: 10 } }, channels: { telegram: { weight: 95 } } });
    expect(weighed(found, policy, { tool: "exec" }).map(({ score }) => score)).toEqual([55, 20]);
    expect(weighed(found, policy, { tool: "exec", channel: "telegram" }).map(({ score }) => score)).toEqual([100, 100]);
    expect(weighed([], policy, { tool: "exec" })).toEqual([]);
  });
  test("the policy's own score for a rule counts in place of the guard's, and 0 turns it off", () => {
    const policy = of({ rules: { a: 0, b: 90 } });
    expect(weighed(found, policy, {})).toEqual([{ id: "b", score: 90, reason: "" }]);
  });
  test("a guard that failed is neither weighed nor turned off", () => {
    const policy = of({ rules: { "guard.failed": 0 }, tools: { exec: { weight: -50 } } });
    const failed = { id: "guard.failed", score: 50, reason: "" };
    expect(weighed([failed], policy, { tool: "exec" })).toEqual([failed]);
  });
});

test("the score for a verdict leads to it, also where both thresholds are the same", () => {
  for (const policy of [of({}), of({ profile: "strict" }), of({ thresholds: { review: 60, block: 60 } })]) {
    expect(verdictOf(scoreFor("block", policy), policy)).toBe("block");
    expect(verdictOf(scoreFor("allow", policy), policy)).toBe("allow");
  }
  expect(verdictOf(scoreFor("review", of({})), of({}))).toBe("review");
});

describe("reading", () => {
  test("a whole policy as YAML", async () => {
    const { document, version } = await parsePolicy(`
version: 1
profile: strict # comments stay the author's
tools:
  exec: { floor: review, weight: 10 }
commands:
  deny:
    - program: terraform
      args: [destroy, "**"]
      reason: Nobody destroys from here.
agents:
  ops: { taint: "off" }
`);
    expect(document.commands?.deny?.[0]?.args).toEqual(["destroy", "**"]);
    expect(document.agents?.ops?.taint).toBe("off");
    expect(version).toMatch(/^[0-9a-f]{16}$/);
  });

  test.each([
    ["no version", "profile: strict", "version"],
    ["an unknown key", "version: 1\nprofil: strict", "profil"],
    ["an unknown verdict", "version: 1\ntools: { exec: { floor: maybe } }", "floor"],
    ["a key twice", "version: 1\ncommands: { deny: [{ program: rm }] }\ncommands: {}", "commands twice"],
    ["no YAML", "version: [1", "YAML"],
    ["a list", "- version: 1", "document"],
    ["thresholds the wrong way round", "version: 1\nthresholds: { review: 90, block: 20 }", "above"],
    ["the same for an agent", "version: 1\nagents: { a: { thresholds: { review: 90, block: 20 } } }", "above"],
    ["too much", `version: 1\n#${"x".repeat(300_000)}`, "too long"],
    ["deep nesting", `version: ${"[".repeat(50_000)}`, "YAML"],
  ])("refuses %s and says so", async (_name, text, said) => {
    expect(parsePolicy(text)).rejects.toThrow(said);
  });

  test("of an object, unknown and polluting keys are refused", async () => {
    expect(checkedPolicy(JSON.parse('{"version":1,"__proto__":{"auditOnly":true}}'))).rejects.toThrow("not right");
  });
});
