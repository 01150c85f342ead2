import { createHmac } from "node:crypto";
import type { Proof } from "../channels/ingress/guards.ts";
import { sameSecret } from "./auth/secrets.ts";

/** A webhook as it came, before anything of it is believed. */
export interface ProofInput {
  headers: Headers;
  /** The raw bytes; null while they have not been read. */
  body: Uint8Array | null;
  /** Epoch milliseconds. */
  now: number;
  /** How old or ahead a signed time may be. */
  skewMs: number;
}

const TOKEN_HEADERS = ["x-telegram-bot-api-secret-token", "x-bot-api-secret-token", "x-openclaw-token"];

/** Whether a proof can be held against a secret without the body. */
export const needsBody = (proof: Proof): boolean => proof !== "header-token";

/**
 * Holds what a sender sent against a secret, each service's way (their documents of webhooks). Digests are computed over the
 * raw body and compared in constant time.
 */
export function isProved(proof: Proof, secret: string, { headers, body, now, skewMs }: ProofInput): boolean {
  if (proof === "header-token") return sentTokens(headers).some((token) => sameSecret(token, secret));
  if (body === null) return false;
  switch (proof) {
    case "line":
      return same(headers.get("x-line-signature"), "base64", hmac(secret, body));
    case "whatsapp":
      return same(after("sha256=", headers.get("x-hub-signature-256")), "hex", hmac(secret, body));
    case "nextcloud-talk": {
      const random = headers.get("x-nextcloud-talk-random") ?? "";
      return random !== "" && same(headers.get("x-nextcloud-talk-signature"), "hex", hmac(secret, random, body));
    }
    case "slack": {
      const time = headers.get("x-slack-request-timestamp") ?? "";
      const isNear = /^\d{1,12}$/.test(time) && Math.abs(now - Number(time) * 1000) <= skewMs;
      return isNear && same(after("v0=", headers.get("x-slack-signature")), "hex", hmac(secret, `v0:${time}:`, body));
    }
  }
}

function sentTokens(headers: Headers): string[] {
  const bearer = /^bearer\s+(.+)$/i.exec(headers.get("authorization")?.trim() ?? "")?.[1];
  return [bearer, ...TOKEN_HEADERS.map((name) => headers.get(name))].flatMap((token) => token?.trim() || []);
}

const after = (prefix: string, text: string | null): string | null =>
  text?.startsWith(prefix) ? text.slice(prefix.length) : null;

function hmac(secret: string, ...parts: (string | Uint8Array)[]): string {
  const digest = createHmac("sha256", secret);
  for (const part of parts) digest.update(part);
  return digest.digest("hex");
}

/** Compares the bytes of a signature, so that another spelling of them is the same. */
const same = (sent: string | null, encoding: "base64" | "hex", expected: string): boolean =>
  sameSecret(Buffer.from(sent ?? "", encoding).toString("hex"), expected);
