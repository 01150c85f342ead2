import { describe, expect, test } from "bun:test";
import { redact, SecretScanner } from "./secrets.ts";

/** Credentials made up for these tests, written in parts so that scanners of repositories pass over them. */
const key = (prefix: string, length: number): string =>
  prefix + Array.from({ length }, (_, i) => "aB3dE5fG7hJ9kLmN0pQrS2tU4vWxYz"[(i * 7) % 30]).join("");
const PEM_BODY = Array.from({ length: 12 }, (_, line) => key(`MII${line}`, 60)).join("\n");
const pem = (kind: string) => `-----BEGIN ${kind}-----\n${PEM_BODY}\n-----END ${kind}-----`;

const CREDENTIALS: [rule: string, secret: string][] = [
  ["anthropic-key", key("sk-ant-api03-", 90)],
  ["openai-style-key", key("sk-proj-", 60)],
  ["openai-style-key", key("sk-or-v1-", 64)],
  ["stripe-key", key("sk_live_", 24)],
  ["google-key", key("AIza", 35)],
  ["groq-key", key("gsk_", 52)],
  ["huggingface-token", key("hf_", 34)],
  ["aws-access-key-id", "AKIA" + "QWERTYUIOP234567"],
  ["github-token", key("ghp_", 36)],
  ["github-token", key("github_pat_", 60)],
  ["gitlab-token", key("glpat-", 20)],
  ["slack-token", `xoxb-${"1234567890-"}${key("", 24)}`],
  ["telegram-token", key("123456789:AA", 33)],
  ["npm-token", key("npm_", 36)],
  ["sendgrid-key", `${key("SG.", 22)}.${key("", 43)}`],
  ["jwt", `${key("eyJ", 20)}.${key("eyJ", 60)}.${key("", 43)}`],
];

describe("credentials by form", () => {
  test.each(CREDENTIALS)("%s: %s", (rule, secret) => {
    for (const strict of [false, true]) {
      const scanner = new SecretScanner({ strict });
      expect(scanner.redact(`it is ${secret}, keep it`)).toBe(`it is [redacted:${rule}], keep it`);
      expect(scanner.redact(`"${secret}"`)).toBe(`"[redacted:${rule}]"`);
    }
  });

  test.each(["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])(
    "the body of a %s goes, its frame stays",
    (kind) => {
      const expected = `see -----BEGIN ${kind}-----\n[redacted:private-key]\n-----END ${kind}----- end`;
      expect(redact(`see ${pem(kind)} end`)).toBe(expected);
      expect(redact(`see ${pem(kind).replaceAll("\n", "\\n")} end`)).toBe(expected.replaceAll("\n", "\\n"));
    },
  );

  test("a private key that is cut off is masked to its last line", () => {
    const cut = pem("PRIVATE KEY").slice(0, 300);
    expect(redact(cut)).toBe("-----BEGIN PRIVATE KEY-----\n[redacted:private-key]");
  });

  test("headers, addresses and assignments", () => {
    const secret = key("", 32);
    expect(redact(`Authorization: Bearer ${secret}`)).toBe("Authorization: Bearer [redacted:authorization-header]");
    expect(redact(`postgres://app:${secret}@db:5432/x`)).toBe("postgres://app:[redacted:url-password]@db:5432/x");
    expect(redact(`https://h/x?api_key=${secret}&b=1`)).toBe("https://h/x?api_key=[redacted:assigned-secret]&b=1");
    expect(redact(`{"client_secret": "${secret}"}`)).toBe('{"client_secret": "[redacted:assigned-secret]"}');
    expect(redact(`{\\"apiKey\\":\\"${secret}\\"}`)).toBe('{\\"apiKey\\":\\"[redacted:assigned-secret]\\"}');
    expect(redact(`AWS_SECRET_ACCESS_KEY=${secret}`)).toBe("AWS_SECRET_ACCESS_KEY=[redacted:assigned-secret]");
  });

  test("a secret longer than its pattern's bound goes whole", () => {
    expect(redact(`${key("sk-proj-", 5000)} end`)).toBe("[redacted:openai-style-key] end");
  });

  test("several in one text, in order", () => {
    const text = `${CREDENTIALS[8]![1]} and ${CREDENTIALS[0]![1]}`;
    expect(new SecretScanner().find(text).map(({ rule }) => rule)).toEqual(["github-token", "anthropic-key"]);
    expect(redact(text)).toBe("[redacted:github-token] and [redacted:anthropic-key]");
  });
});

describe("what is no credential", () => {
  const harmless = [
    "Set OPENAI_API_KEY=sk-your-key-here and restart.",
    "const token = process.env.GITHUB_TOKEN;",
    'password: "$DB_PASSWORD"',
    "unauthorized: gateway token mismatch",
    "token: missing",
    ".sk-circle-fade-dot { animation: sk-circle-fade-dot-animation 1.2s }",
    "-----BEGIN PRIVATE KEY----- is the first line of such a file.",
    "A JWT looks like eyJhbGciOi... and has three parts.",
    "https://user:<password>@example.org",
    "totalTokens=123456, maxTokens: 4096",
    "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "commit ed7ea51, run 7f0c2f7e-2f58-4f0f-9d0b-0a4d4f0c9d52",
  ];
  test.each(harmless)("%s", (text) => {
    expect(redact(text)).toBe(text);
    expect(new SecretScanner({ strict: true }).redact(text)).toBe(text);
  });

  test("in prose and code only a random value counts; in logs every value does", () => {
    const text = "password: correcthorse";
    expect(new SecretScanner({ strict: true }).redact(text)).toBe(text);
    expect(redact(text)).toBe("password: [redacted:assigned-secret]");
  });
});

describe("credentials by value", () => {
  const value = "correct horse/battery+staple";
  const scanner = new SecretScanner({ values: () => [value, "sunshine1", "short"], strict: true });

  test.each([
    ["itself", value],
    ["percent-encoded", encodeURIComponent(value)],
    ["base64", Buffer.from(value).toString("base64")],
    ["base64 of a text around it", Buffer.from(`user:${value}!`).toString("base64")],
    ["base64url of a text around it", Buffer.from(`ab${value}!?`).toString("base64url")],
  ])("%s", (_form, text) => {
    const masked = scanner.redact(`>${text}<`);
    expect(masked).toContain("[redacted:known-secret]");
    expect(Buffer.from(masked, "base64").toString()).not.toContain("horse");
    expect(masked).not.toContain("horse");
  });

  test("a guessable value is masked in logs, and not where the mask would confirm a guess", () => {
    const logs = new SecretScanner({ values: () => ["sunshine1", "short"] });
    expect(logs.redact("got sunshine1 and short")).toBe("got [redacted:known-secret] and short");
    expect(scanner.redact("is it sunshine1?")).toBe("is it sunshine1?");
  });

  test("values may change", () => {
    let values = ["first-value-0123456789"];
    const live = new SecretScanner({ values: () => values });
    expect(live.redact(values[0]!)).toBe("[redacted:known-secret]");
    values = ["other-value-9876543210"];
    expect(live.redact("first-value-0123456789")).toBe("first-value-0123456789");
    expect(live.redact(values[0]!)).toBe("[redacted:known-secret]");
  });

  test("own patterns mask their group, or all they match", () => {
    const own = new SecretScanner({ patterns: [/ticket (\d{4})/, /INT-\w+/i] });
    expect(own.redact("ticket 1234, ticket 5678, int-abc")).toBe(
      "ticket [redacted:pattern], ticket [redacted:pattern], [redacted:pattern]",
    );
  });
});

describe("118: crafted text takes time linear in its length", () => {
  const seeds = [
    "eyJ",
    ".eyJ",
    "token=",
    "token=aaaaaaaa1 ",
    "password     ",
    "://a:b",
    "://a",
    "M",
    "sk-",
    "1:AA",
    "bearer ",
  ];
  const cases = [
    ...seeds,
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\n          ",
    `${"M".repeat(25)}.`,
  ];
  test.each(cases)("%j repeated to a megabyte", (seed) => {
    // A pattern that backtracks takes minutes here and runs into the test's own time limit.
    const text = seed.repeat(Math.ceil(1_000_000 / seed.length));
    expect(new SecretScanner({ strict: true }).redact(text).length).toBeGreaterThan(0);
  });
});
