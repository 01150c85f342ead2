import type { SecretScanner } from "../../platform/secrets.ts";
import type { Finding, Origin } from "../types.ts";

/** Text of this length in one part of an address is no search and no key. */
const LONG_TEXT_CHARS = 800;
/** The same for what was wrapped first, which nobody does with a search. */
const WRAPPED_TEXT_CHARS = 120;
/** A part of an address that could be wrapped text; shorter ones are names and numbers. */
const MIN_WRAPPED_CHARS = 16;

/**
 * What an address takes out with it: credentials, also wrapped in percent signs, base64 or hex, and long texts.
 * Linear in its length.
 */
export function carriedFindings(url: URL, scanner: SecretScanner, origin: Origin): Finding[] {
  const found: Finding[] = [];
  const parts = partsOf(url);
  const plain = parts.map(unescaped);
  const wrapped = plain.flatMap(unwrapped);
  const matches = [url.href, ...plain, ...wrapped].flatMap((text) => scanner.find(text));
  // User and password before the host are a finding of their own.
  const rules = new Set(matches.map(({ rule }) => rule).filter((rule) => rule !== "url-password"));
  if (rules.has("known-secret")) {
    found.push(finding("own-secret", 95, "The address carries one of the gateway's own secrets."));
  } else if (rules.size > 0) {
    // An owner's addresses have keys in them, as many services want it.
    const isOrdinary = origin === "owner" && rules.size === 1 && rules.has("assigned-secret");
    const what = isOrdinary ? "a key" : "a credential";
    found.push(finding("carries-credential", isOrdinary ? 30 : 75, `The address carries ${what}.`));
  }
  if ([...plain, ...wrapped].some((text) => /\broot:[x*!]?:0:0:/.test(text))) {
    found.push(finding("carries-accounts", 85, "The address carries this machine's list of accounts."));
  }
  const isLong = plain.some((text) => text.length >= LONG_TEXT_CHARS && isProse(text));
  if (isLong || wrapped.some((text) => text.length >= WRAPPED_TEXT_CHARS && isProse(text))) {
    found.push(finding("carries-text", 60, "The address carries a long text."));
  }
  return found;
}

/** Values of the query, folders of the path, the fragment, and the host's labels, each and together. */
function partsOf({ search, pathname, hash, hostname }: URL): string[] {
  const values = search
    .slice(1)
    .split("&")
    .map((pair) => pair.slice(pair.indexOf("=") + 1).replaceAll("+", " "));
  const labels = hostname.split(".").slice(0, -2);
  const names = [...labels, labels.join("")];
  return [...values, ...pathname.split("/"), hash.slice(1), ...names].filter((part) => part !== "");
}

/** Percent signs undone, twice where they were put on twice. */
function unescaped(part: string): string {
  let text = part;
  for (let round = 0; round < 2 && text.includes("%"); round++) {
    try {
      text = decodeURIComponent(text);
    } catch {
      return text;
    }
  }
  return text;
}

/** What a part says once base64 or hex is undone. */
function unwrapped(part: string): string[] {
  const text = part.replaceAll(" ", "+");
  if (text.length < MIN_WRAPPED_CHARS) return [];
  if (/^[0-9a-f]+$/i.test(text) && text.length % 2 === 0) return [Buffer.from(text, "hex").toString("latin1")];
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return [];
  return [Buffer.from(text, "base64").toString("latin1")];
}

/** Words with gaps between them, in nearly nothing but what people type. */
function isProse(text: string): boolean {
  const gaps = text.match(/\s/g)?.length ?? 0;
  const others = text.match(/[^\t\n\r\x20-\x7e\u00a0-\uffff]/g)?.length ?? 0;
  return gaps * 25 >= text.length && others * 50 <= text.length;
}

const finding = (id: string, score: number, reason: string): Finding => ({ id: `url.${id}`, score, reason });
