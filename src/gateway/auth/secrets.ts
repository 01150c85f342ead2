import { createHash, timingSafeEqual } from "node:crypto";
import type { GatewayConfig } from "../../../generated/config.ts";

/** Compares secrets in constant time. Hashing both first makes the lengths equal, so that they tell nothing either. */
export function sameSecret(presented: string, secret: string): boolean {
  return timingSafeEqual(digest(presented), digest(secret));
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

export type AuthMode = "none" | "token" | "password" | "trusted-proxy";

/** How callers prove themselves now. Read at every attempt, so that a changed secret counts at once (CVE-2026-43585). */
export interface AuthSettings {
  mode: AuthMode;
  /** The secret of the mode. Without one, token and password mode let nobody in. */
  secret: string | undefined;
}

export function authSettings({ gateway }: GatewayConfig): AuthSettings {
  const { mode = "token", token, password } = gateway.auth;
  // Beside a trusted proxy only local callers may use a secret, and only the password (docs: gateway/trusted-proxy-auth).
  const secret = mode === "token" ? token : mode === "none" ? undefined : password;
  return { mode, secret: secret === undefined || secret.trim() === "" ? undefined : secret };
}

/** Text that a client sent as a secret, without blanks around it; undefined when nothing is left. */
export function presentedSecret(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed === "" ? undefined : trimmed;
}
