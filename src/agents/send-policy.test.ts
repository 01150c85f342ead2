import { expect, test } from "bun:test";
import type { GatewayConfig } from "../../generated/config.ts";
import type { SessionState } from "../sessions/types.ts";
import { unusedSession } from "./runs/model-choice.ts";
import { maySend } from "./send-policy.ts";

const roster = { defaultId: "main", mainKey: "main" };
const may = (sendPolicy: object | undefined, key = "agent:main:main", session: SessionState | null = null) =>
  maySend({ session: { sendPolicy } } as unknown as GatewayConfig, roster, key, session);
const deny = (match?: object) => ({ action: "deny", match });
const allow = (match?: object) => ({ action: "allow", match });

test("without a policy everything may be sent", () => {
  expect(may(undefined)).toBe(true);
  expect(maySend({} as GatewayConfig, roster, "agent:main:main", null)).toBe(true);
});

test("the default counts where no rule matches", () => {
  expect(may({ default: "deny" })).toBe(false);
  expect(may({ default: "deny", rules: [allow({ keyPrefix: "main" })] })).toBe(true);
  expect(may({ default: "deny", rules: [allow({ keyPrefix: "other" })] })).toBe(false);
});

test("one rule that denies is enough, wherever it stands", () => {
  expect(may({ rules: [allow(), deny({ chatType: "direct" })] })).toBe(false);
  expect(may({ rules: [deny()] })).toBe(false);
});

test.each([
  [{ channel: "discord" }, "agent:main:discord:group:1", "agent:main:main"],
  [{ chatType: "group" }, "agent:main:discord:group:1", "agent:main:main"],
  [{ chatType: "channel" }, "agent:main:slack:channel:c1", "agent:main:slack:group:1"],
  [{ channel: "webchat", chatType: "dm" }, "agent:main:main", "agent:main:slack:group:1"],
  [{ keyPrefix: "Discord:" }, "agent:main:discord:group:1", "agent:main:main"],
  [{ rawKeyPrefix: "agent:ops:" }, "agent:ops:main", "agent:main:main"],
])("%j matches %s and not %s", (match, key, other) => {
  expect(may({ rules: [deny(match)] }, key)).toBe(false);
  expect(may({ rules: [deny(match)] }, other)).toBe(true);
});

test("what the session itself says goes first", () => {
  const session = (sendPolicy: "allow" | "deny") => ({ ...unusedSession("agent:main:main", "main"), sendPolicy });
  expect(may({ default: "deny" }, undefined, session("allow"))).toBe(true);
  expect(may(undefined, undefined, session("deny"))).toBe(false);
});
