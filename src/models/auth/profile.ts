import type { Tree } from "../../config/json5.ts";
import { isReference, type SecretRef } from "../../config/secret-places.ts";

/** What signs a call in, in upstream's shapes (docs: concepts/model-failover, auth storage). */
export type Credential =
  | { type: "api_key"; provider: string; key?: string; keyRef?: SecretRef }
  /** A bearer token that is not refreshed. `expires`: epoch milliseconds. */
  | { type: "token"; provider: string; token?: string; tokenRef?: SecretRef; expires?: number }
  /** `tokenUrl` and `clientId`: where and as whom the tokens are refreshed. */
  | {
      type: "oauth";
      provider: string;
      access: string;
      refresh: string;
      expires: number;
      email?: string;
      tokenUrl?: string;
      clientId?: string;
    };

/** An account with a provider. */
export interface Profile {
  /** `provider:name` */
  id: string;
  /** Whose it is; empty for all agents'. */
  agentId: string;
  provider: string;
  credential: Credential;
}

/** Upstream's words for why a profile cannot be used (docs: auth-credential-semantics). */
export type Ineligible = "missing_credential" | "expired" | "invalid_expires" | "ineligible_profile";

/** The latest moment that a date can hold. */
const LATEST = 8_640_000_000_000_000;

/** Why a credential cannot be used as it is, null when it can. OAuth tokens that have run out can be refreshed. */
export function ineligible(credential: Credential, now: number): Ineligible | null {
  switch (credential.type) {
    case "api_key":
      if (!credential.key && !credential.keyRef) return "missing_credential";
      return credential.key !== undefined && /[\r\n\0]/.test(credential.key) ? "ineligible_profile" : null;
    case "token": {
      if (!credential.token && !credential.tokenRef) return "missing_credential";
      const { expires } = credential;
      if (expires === undefined) return null;
      if (!Number.isFinite(expires) || expires <= 0 || expires > LATEST) return "invalid_expires";
      return expires <= now ? "expired" : null;
    }
    case "oauth":
      if (!credential.access && !credential.refresh) return "missing_credential";
      return credential.expires <= now && !canRefresh(credential) ? "expired" : null;
  }
}

export const canRefresh = (credential: Credential): credential is Extract<Credential, { type: "oauth" }> =>
  credential.type === "oauth" && credential.refresh !== "" && credential.tokenUrl !== undefined;

/**
 * A credential as somebody gives it.
 * @returns the credential, or in words what is wrong with it
 */
export function readCredential(provider: string, raw: Tree): Credential | { problem: string } {
  const text = (name: string): string | undefined =>
    typeof raw[name] === "string" && raw[name].trim() !== "" ? raw[name].trim() : undefined;
  const ref = (name: string): SecretRef | undefined => {
    const value = raw[name];
    return typeof value === "object" && value !== null && isReference(value as Tree)
      ? (value as unknown as SecretRef)
      : undefined;
  };
  switch (raw.type) {
    case "api_key": {
      const [key, keyRef] = [text("key"), ref("keyRef")];
      if (!key && !keyRef) return { problem: "an API key needs key or keyRef" };
      return { type: "api_key", provider, ...(keyRef ? { keyRef } : { key }) };
    }
    case "token": {
      const [token, tokenRef] = [text("token"), ref("tokenRef")];
      if (!token && !tokenRef) return { problem: "a token needs token or tokenRef" };
      const expires = typeof raw.expires === "number" ? { expires: raw.expires } : {};
      return { type: "token", provider, ...(tokenRef ? { tokenRef } : { token }), ...expires };
    }
    case "oauth": {
      if (raw.keyRef !== undefined || raw.tokenRef !== undefined)
        return { problem: "OAuth tokens change, so they cannot be secret references" };
      const [access, refresh, tokenUrl] = [text("access"), text("refresh"), text("tokenUrl")];
      if (!access || !refresh || typeof raw.expires !== "number")
        return { problem: "an OAuth account needs access, refresh and expires" };
      if (tokenUrl !== undefined && !isSafeTokenUrl(tokenUrl))
        return { problem: "tokenUrl must be an https address, or one on this machine" };
      const [email, clientId] = [text("email"), text("clientId")];
      return {
        ...{ type: "oauth", provider, access, refresh, expires: raw.expires },
        ...(email ? { email } : {}),
        ...(tokenUrl ? { tokenUrl } : {}),
        ...(clientId ? { clientId } : {}),
      };
    }
    default:
      return { problem: "type must be api_key, token or oauth" };
  }
}

/** A refresh token is worth as much as a password: it travels encrypted, or not off this machine. */
function isSafeTokenUrl(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  const isHere = hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
  return protocol === "https:" || (protocol === "http:" && isHere);
}
