import { ISSUER_FORMS } from "./secret-issuers.ts";

/** One kind of credential that can be told by its form. */
export interface SecretRule {
  /** Stable name, shown in place of what was found. */
  id: string;
  /**
   * Global and linear: it starts at a fixed text or at the start of a word, and every repetition is bounded. Group 1
   * is the secret when only a part of the match is; otherwise the whole match is.
   */
  pattern: RegExp;
  /** Texts of which one must occur for the pattern to be tried at all; a plain search costs next to nothing. */
  hints: readonly string[];
  /** Judges the secret part further. `strict` is for prose and code, where examples and variable names abound. */
  accepts?: (secret: string, strict: boolean) => boolean;
  /** What the secret may consist of beyond the pattern's bound: a longer run is still the same secret. */
  tail: RegExp;
}

const WORD = /[A-Za-z0-9_-]/;
const TOKEN = /[A-Za-z0-9_.~+/=-]/;

/** A rule for keys with a fixed prefix of their issuer, as all newer ones have. */
const prefixed = (id: string, hints: string[], body: string, accepts?: SecretRule["accepts"]): SecretRule => ({
  id,
  hints,
  pattern: new RegExp(`(?<![A-Za-z0-9_])(?:${body})`, "g"),
  tail: WORD,
  ...(accepts && { accepts }),
});

/** Formats as their issuers document them. Issuer prefixes come first; the general forms fill what they leave. */
export const SECRET_RULES: readonly SecretRule[] = [
  prefixed("anthropic-key", ["sk-ant-"], "sk-ant-[A-Za-z0-9_-]{16,512}", hasDigit),
  prefixed("openai-style-key", ["sk-"], "sk-[A-Za-z0-9_-]{16,512}", isKeyBody),
  prefixed("stripe-key", ["k_live_", "k_test_", "whsec_"], "(?:[rs]k_(?:live|test)|whsec)_[A-Za-z0-9+/=]{16,255}"),
  prefixed("google-key", ["AIza"], "AIza[A-Za-z0-9_-]{35}"),
  prefixed("google-oauth", ["ya29.", "GOCSPX-"], "ya29\\.[A-Za-z0-9_-]{20,1024}|GOCSPX-[A-Za-z0-9_-]{24,64}"),
  prefixed("xai-key", ["xai-"], "xai-[A-Za-z0-9]{40,255}"),
  prefixed("groq-key", ["gsk_"], "gsk_[A-Za-z0-9]{32,255}"),
  prefixed("perplexity-key", ["pplx-"], "pplx-[A-Za-z0-9]{32,255}"),
  prefixed("nvidia-key", ["nvapi-"], "nvapi-[A-Za-z0-9_-]{40,255}"),
  prefixed("huggingface-token", ["hf_"], "hf_[A-Za-z0-9]{30,255}"),
  prefixed("replicate-token", ["r8_"], "r8_[A-Za-z0-9]{37,64}"),
  prefixed("elevenlabs-key", ["sk_"], "sk_[a-f0-9]{48}"),
  prefixed("search-key", ["tvly-", "fc-"], "tvly-[A-Za-z0-9_-]{20,128}|fc-[a-f0-9]{32}", hasDigit),
  prefixed("aws-access-key-id", ["AKIA", "ASIA", "ABIA", "ACCA"], "(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Z0-9])"),
  prefixed("github-token", ["gh", "github_pat_"], "gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}"),
  prefixed("gitlab-token", ["gl"], "gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt)-[A-Za-z0-9_-]{20,255}", hasDigit),
  prefixed(
    "slack-token",
    ["xox", "xapp-"],
    "xox[abeoprs](?:\\.xox[a-z])?-[A-Za-z0-9-]{10,255}|xapp-\\d-[A-Za-z0-9-]{10,255}",
    hasDigit,
  ),
  prefixed("discord-token", ["."], "[MNO][A-Za-z0-9_-]{23,27}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27,64}"),
  prefixed("telegram-token", [":AA"], "\\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])"),
  prefixed("sendgrid-key", ["SG."], "SG\\.[A-Za-z0-9_-]{16,32}\\.[A-Za-z0-9_-]{32,64}"),
  prefixed("twilio-key", ["SK"], "SK[a-f0-9]{32}(?![A-Za-z0-9])"),
  prefixed("npm-token", ["npm_"], "npm_[A-Za-z0-9]{36}"),
  prefixed("pypi-token", ["pypi-AgE"], "pypi-AgE[A-Za-z0-9_-]{50,1024}"),
  prefixed("docker-token", ["dckr_"], "dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,255}"),
  prefixed("digitalocean-token", ["_v1_"], "do[opr]_v1_[a-f0-9]{64}"),
  prefixed("shopify-token", ["shp"], "shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
  prefixed("notion-token", ["ntn_"], "ntn_[A-Za-z0-9]{40,64}"),
  prefixed("linear-key", ["lin_api_"], "lin_api_[A-Za-z0-9]{32,64}"),
  prefixed("atlassian-token", ["ATATT3"], "ATATT3[A-Za-z0-9_=-]{50,512}"),
  prefixed("tailscale-key", ["tskey-"], "tskey-[a-z]{2,16}-[A-Za-z0-9-]{20,128}"),
  prefixed("vault-token", ["hvs.", "hvb."], "hv[sb]\\.[A-Za-z0-9_-]{24,512}"),
  prefixed("grafana-token", ["glsa_", "glc_"], "glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|glc_[A-Za-z0-9+/=]{32,512}"),
  prefixed("databricks-token", ["dapi"], "dapi[a-f0-9]{32}(?![A-Za-z0-9])"),
  prefixed("age-key", ["AGE-SECRET-KEY-1"], "AGE-SECRET-KEY-1[A-Z0-9]{58}"),
  prefixed(
    "jwt",
    ["eyJ"],
    "(?<!-)eyJ[A-Za-z0-9_-]{8,4096}\\.eyJ[A-Za-z0-9_-]{8,8192}(?:\\.[A-Za-z0-9_-]{0,2048}){0,3}",
  ),
  ...ISSUER_FORMS.map(([id, marks, form]) => prefixed(id, [...marks], form)),
  {
    id: "webhook-url",
    hints: ["hooks.slack.com/", "/api/webhooks/"],
    pattern:
      /(?:hooks\.slack\.com\/(?:services|workflows|triggers)|discord(?:app)?\.com\/api\/webhooks)\/([A-Za-z0-9_/-]{20,255})/g,
    tail: /[A-Za-z0-9_/-]/,
  },
  {
    id: "azure-account-key",
    hints: ["AccountKey=", "SharedAccessKey="],
    pattern: /(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,88}={0,2})/g,
    tail: TOKEN,
  },
  {
    id: "authorization-header",
    hints: ["earer ", "asic ", "EARER ", "ASIC ", "earer%20"],
    pattern: /(?<![A-Za-z0-9])(?:bearer|basic)(?:[ \t]{1,4}|%20)([A-Za-z0-9_.~+/=-]{16,4096})/gi,
    accepts: (secret) => hasDigit(secret) && !isPlaceholder(secret),
    tail: TOKEN,
  },
  {
    id: "url-password",
    hints: ["://"],
    pattern: /:\/\/[^\s:@/"'<>]{0,128}:([^\s:@/"'<>]{1,256})@/g,
    accepts: (secret, strict) => !isPlaceholder(secret) && (!strict || !isExampleWord(secret)),
    tail: /[^\s:@/"'<>]/,
  },
  {
    id: "assigned-secret",
    hints: ["=", ":"],
    // The key may be quoted (JSON), the value too; nothing before the name is matched, so nothing is tried twice.
    pattern:
      /(?:api[-_ ]?key|access[-_]?key|secret[-_]?key|private[-_]?key|auth[-_]?key|account[-_]?key|passw(?:or)?d|passphrase|secret|token)\\?["'`\]]{0,2}[ \t]{0,8}(?:=>|:=|[:=])[ \t]{0,8}\\?["'`]?([^\s"'`,;<>(){}[\]&\\]{6,1024})/gi,
    accepts: (secret, strict) => (strict ? isRandom(secret) : !isPlaceholder(secret) && !isReference(secret)),
    tail: /[^\s"'`,;<>(){}[\]&\\]/,
  },
];

export function hasDigit(text: string): boolean {
  return /\d/.test(text);
}

/** Tells `sk-proj-…` from words joined by hyphens: a key has digits and does not consist of short lower-case words. */
function isKeyBody(secret: string): boolean {
  const body = secret.slice(3);
  return hasDigit(body) && !isPlaceholder(body) && /[A-Za-z0-9_]{16}/.test(body) && entropy(body) > 2.8;
}

const PLACEHOLDER_START = /^(?:x{4,}|\*{3,}|\.{3,}|-{3,}|_{3,}|\[?redacted)/i;
const PLACEHOLDER_INSIDE = /your[-_ ]?|example|placeholder|dummy|changeme|xxxx|\.\.\.|…|\*\*\*|__openclaw_redacted__/i;
/** Words that follow `token:` in a sentence about a token. */
const STATUS_WORD =
  /^(?:undefined|null|true|false|none|required|optional|string|missing|mismatch|invalid|expired|refused|unknown|rotated|revoked|present|absent|changed|provided|accepted)$/i;

/** Something a person writes where the real value belongs. */
export function isPlaceholder(text: string): boolean {
  return PLACEHOLDER_START.test(text) || PLACEHOLDER_INSIDE.test(text) || STATUS_WORD.test(text);
}

/** Code that names where a secret is, and is none itself. */
function isReference(text: string): boolean {
  return /^(?:\$\{?[A-Za-z_]|%[A-Za-z_]+%|process\.env|os\.environ|env[.:]|secrets?\.|config\.|this\.|self\.|file:|[A-Za-z_.]+\($)/.test(
    text,
  );
}

const isExampleWord = (text: string): boolean => /^(?:pass(?:word)?|pwd|secret|user|test|hunter2|token)$/i.test(text);

/** A value that nobody typed by heart: long, mixed, without the regularity of words, dates, paths or versions. */
function isRandom(text: string): boolean {
  if (text.length < 16 || isPlaceholder(text) || isReference(text)) return false;
  if (!/\d/.test(text) || !/[A-Za-z]/.test(text)) return false;
  if (/^(?:https?|wss?|file|data):|^[./~]|\.[a-z]{2,4}$/i.test(text)) return false;
  if (/^[0-9a-f]+$/i.test(text)) return text.length >= 20 && entropy(text) > 2.7;
  return entropy(text) > 3.3 && !isHyphenatedWords(text);
}

const isHyphenatedWords = (text: string): boolean => /^[a-z]+(?:[-_.][a-z]+)*(?:[-_.]?\d{1,4})?$/i.test(text);

/** Shannon entropy in bits per character. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
