import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** One entry of `fixtures/attacks.yaml`. */
interface Attack {
  id: number;
  title: string;
  sources?: string[];
  status: "covered" | "open";
  /** Files whose tests carry the number, for covered ones. */
  tests?: string[];
  /** What is missing, for open ones. */
  reason?: string;
}

const ROOT = join(import.meta.dir, "..", "..");
const { attacks } = parse(readFileSync(join(ROOT, "fixtures", "attacks.yaml"), "utf8")) as { attacks: Attack[] };
const LAST_ID = 127;

/** Numbers at the start of a test's name, or behind a comma in it: "47: …", "attack 8, 10: …", "served, 113: …". */
const NUMBERED = /["'`](?:[^"'`\n]*?[\s,])?(?:KNOWN_ATTACKS |attack )?(\d{1,3}(?:, \d{1,3})*): (?=[A-Za-z%$`{"'/])/g;

/** The numbers that the names in a test file carry. */
function numbersIn(file: string): Set<number> {
  const matches = readFileSync(join(ROOT, file), "utf8").matchAll(NUMBERED);
  return new Set([...matches].flatMap((match) => match[1]!.split(", ").map(Number)));
}

test("the list has every known attack once, in order", () => {
  expect(attacks.map(({ id }) => id)).toEqual(Array.from({ length: LAST_ID }, (_, i) => i + 1));
});

test.each(attacks)("attack $id is either covered by tests or says what is missing", (attack) => {
  expect(attack.title).toMatch(/\w{3}/);
  for (const source of attack.sources ?? []) expect(source).toMatch(/^(GHSA(-[0-9a-z]{4}){3}|CVE-\d{4}-\d{4,6})$/);
  if (attack.status === "open") {
    expect(attack.reason).toMatch(/\.$/);
    expect(attack.tests).toBeUndefined();
    return;
  }
  expect(attack.status).toBe("covered");
  expect(attack.tests?.length).toBeGreaterThan(0);
  for (const file of attack.tests!) {
    expect(existsSync(join(ROOT, file))).toBe(true);
    expect([file, attack.id, numbersIn(file).has(attack.id)]).toEqual([file, attack.id, true]);
  }
});

test("97: secrets are compared in one way: hashed, in constant time", () => {
  const comparing = sources().filter((file) => readFileSync(join(ROOT, file), "utf8").includes("timingSafeEqual("));
  expect(comparing).toEqual(["src/devices/tokens.ts", "src/gateway/auth/secrets.ts"]);
  // A plain comparison of a secret ends at the first difference and tells how far a guess was right.
  const plain =
    /(?:[Tt]oken|[Pp]assword|[Ss]ecret)\b\s*[!=]==\s*(?:config|settings|auth|stored|expected|known)[\w.]*\b(?:token|password|secret)/;
  for (const file of sources())
    expect([file, plain.test(readFileSync(join(ROOT, file), "utf8"))]).toEqual([file, false]);
});

function sources(): string[] {
  return readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => join("src", name))
    .sort();
}
