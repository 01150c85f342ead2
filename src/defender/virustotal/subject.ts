import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { isPublicAddress } from "../../platform/addresses.ts";
import { entropy, hasDigit } from "../../platform/secret-rules.ts";
import type { SecretScanner } from "../../platform/secrets.ts";
import { typeOf } from "../file/type.ts";
import type { Action } from "../types.ts";
import { hostFindings } from "../url/hosts.ts";
import type { Subject } from "./reputations.ts";

/** What of an action the service may be asked about; null when there is nothing, and when the question would tell a secret. */
export function subjectOf(action: Action, scanner: SecretScanner): Subject | null {
  if (action.kind === "url") return urlSubject(action.url, scanner);
  if ((action.kind !== "file-write" && action.kind !== "install") || action.content === undefined) return null;
  // Nobody has shown a person's own texts and pictures to engines; asking would only use up the key.
  const type = typeOf(action.content);
  if (type === "other" || type === "picture" || type === "script") return null;
  const sha256 = createHash("sha256").update(action.content).digest("hex");
  return { kind: "file", sha256, id: sha256 };
}

function urlSubject(address: string, scanner: SecretScanner): Subject | null {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") return null;
  const host = url.hostname.replace(/^\[|\]$|\.$/g, "");
  if (isIP(host) === 0 ? hostFindings(host).length > 0 : !isPublicAddress(host)) return null;
  url.hash = "";
  if (mayTellSecret(url, scanner)) return null;
  const { href } = url;
  const id = Buffer.from(href).toString("base64url");
  return { kind: "url", sha256: createHash("sha256").update(href).digest("hex"), id };
}

const SECRET_NAME =
  /token|key|secret|passw|pwd|auth|sig(?:n|nature)?$|credential|session|sid$|jwt|otp|code|ticket|nonce|state|invite|mail|user|share/i;

/** Whether an address could open something for whoever knows it: what it names so, and what looks random. */
function mayTellSecret(url: URL, scanner: SecretScanner): boolean {
  if (scanner.find(url.href).length > 0) return true;
  for (const [name, value] of url.searchParams) {
    if (SECRET_NAME.test(name) || value.length > 64 || isRandom(value)) return true;
  }
  return url.pathname.split("/").some(isRandom);
}

const isRandom = (part: string): boolean =>
  part.length >= 16 && hasDigit(part) && !part.includes(".") && !/^[a-z]+(?:-[a-z0-9]+)*$/i.test(part)
    ? entropy(part) > 3
    : /^[0-9a-f]{16,}$/i.test(part);
