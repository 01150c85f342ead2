/** What a text names so precisely that two texts that share it speak of the same thing. */
export interface Token {
  kind: "email" | "host" | "path" | "number" | "handle";
  /** Lower case. */
  value: string;
}

const PATTERNS: readonly (readonly [Token["kind"], RegExp])[] = [
  ["email", /[a-z0-9][a-z0-9._%+-]{0,63}@[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?\.[a-z]{2,24}/gi],
  ["host", /\bhttps?:\/\/(?:[^\s/@"'<>]{1,128}@)?([a-z0-9][a-z0-9.-]{0,252}[a-z0-9]|\[[0-9a-f:.]{2,45}\])/gi],
  [
    "host",
    /(?<![\w@./-])((?:[a-z0-9-]{1,63}\.){1,8}(?:com|net|org|io|dev|app|info|biz|xyz|co|me|ru|cn|de|uk|eu|fr|nl|example|test|onion|top|site|online|shop|cloud|ai))(?![\w-]|\.[a-z])/gi,
  ],
  ["number", /(?<![\w.])(?:[a-z]{2}\d{2}[a-z0-9]{10,30}|\+?\d[\d -]{6,18}\d)(?![\w.])/gi],
  ["handle", /(?<![\w@.])@[a-z0-9_]{3,64}\b/gi],
  ["path", /(?<![\w:/.])(?:~|\/(?:etc|home|root|users|var|opt|usr|tmp|srv|mnt|private))\/[\w.@+/-]{1,250}/gi],
];

/** The precise names in a text, each once, a bounded number of them. */
export function tokensOf(text: string): Token[] {
  const found = new Map<string, Token>();
  for (const [kind, pattern] of PATTERNS) {
    for (const match of text.matchAll(pattern)) {
      const value = normal(kind, match[1] ?? match[0]);
      if (value !== "" && found.size < MOST) found.set(`${kind} ${value}`, { kind, value });
    }
  }
  return [...found.values()];
}

const MOST = 200;

const normal = (kind: Token["kind"], value: string): string => {
  const lower = value.toLowerCase();
  if (kind === "number") return lower.replace(/[ -]/g, "");
  return kind === "path" ? lower.replace(/[.,]+$/, "") : lower;
};

/**
 * Whether a text (lower case) names a token. Whoever names a person or a site by a word of its name has named it: `Bob` is
 * `bob.smith@example.com`, and `the Acme docs` are at `docs.acme.com`.
 */
export function names(lower: string, { kind, value }: Token): boolean {
  if (kind === "number") return lower.replace(/[ -]/g, "").includes(value);
  if (lower.includes(value)) return true;
  if (kind === "path") return isNamed(lower, value.slice(value.lastIndexOf("/") + 1));
  if (kind === "handle") return isNamed(lower, value.slice(1));
  const [before, host = ""] = kind === "email" ? value.split("@") : ["", value];
  const words = [...before!.split(/[._%+-]/), ...host.split(".").slice(0, -1)];
  return words.some((word) => word.length >= 3 && !COMMON.has(word) && isNamed(lower, word));
}

/** Parts of addresses that say nothing of whose they are. */
const COMMON: ReadonlySet<string> = new Set([
  "www",
  "mail",
  "gmail",
  "email",
  "info",
  "api",
  "app",
  "docs",
  "blog",
  "news",
  "web",
  "the",
  "com",
  "org",
  "net",
  "example",
  "hotmail",
  "outlook",
  "yahoo",
  "proton",
  "support",
  "contact",
  "admin",
  "page",
  "pages",
  "site",
  "static",
  "cdn",
]);

/** Whether a word stands in a text as a word. Both lower case. */
function isNamed(text: string, word: string): boolean {
  if (word.length < 3) return false;
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (!isLetter(text[at - 1]) && !isLetter(text[at + word.length])) return true;
  }
  return false;
}

const isLetter = (char: string | undefined): boolean => char !== undefined && /[\p{L}\p{N}_]/u.test(char);
