import { LIMITS } from "../../../generated/limits.ts";
import { redact } from "../failure.ts";
import { readUpTo } from "../transport.ts";
import type { Credential } from "./profile.ts";

type OAuth = Extract<Credential, { type: "oauth" }>;

/** Why tokens could not be refreshed. `isRefused`: the provider wants the person to sign in again. */
export class RefreshError extends Error {
  constructor(
    message: string,
    readonly isRefused: boolean,
  ) {
    super(message);
    this.name = "RefreshError";
  }
}

/**
 * New tokens for old ones (RFC 6749, section 6). Some providers give a new refresh token each time and end the old
 * one, so the answer must be stored before it is used.
 * @throws RefreshError
 */
export async function refreshTokens(credential: OAuth, now: () => number): Promise<OAuth> {
  const { tokenUrl, clientId, refresh } = credential;
  if (tokenUrl === undefined) throw new RefreshError("the account has no address for new tokens", true);
  const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: refresh });
  if (clientId !== undefined) form.set("client_id", clientId);
  let response: Response;
  let text: string;
  try {
    response = await fetch(tokenUrl, {
      method: "POST",
      redirect: "error",
      headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
      body: form.toString(),
      signal: AbortSignal.timeout(LIMITS.authRefreshTimeoutMs),
    });
    text = new TextDecoder().decode(await readUpTo(response.body, LIMITS.modelErrorBytes));
  } catch {
    throw new RefreshError("the provider could not be asked for new tokens", false);
  }
  const body = parsed(text);
  if (!response.ok) {
    const code = typeof body.error === "string" ? ` (${redact(body.error, [refresh, credential.access])})` : "";
    const isRefused = response.status === 400 || response.status === 401 || response.status === 403;
    throw new RefreshError(`the provider refused new tokens: HTTP ${response.status}${code}`, isRefused);
  }
  const { access_token: access, refresh_token: next, expires_in: seconds } = body;
  if (typeof access !== "string" || access === "") throw new RefreshError("the provider's answer has no token", false);
  const lifetime = typeof seconds === "number" && seconds > 0 ? seconds * 1000 : LIMITS.authTokenLifetimeMs;
  const kept = typeof next === "string" && next !== "" ? next : refresh;
  return { ...credential, access, refresh: kept, expires: now() + lifetime };
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
