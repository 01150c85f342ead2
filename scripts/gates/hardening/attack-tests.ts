import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { GateContext } from "../../gate/run.ts";

interface Attack {
  id: number;
  title: string;
  status: "covered" | "open";
  tests?: string[];
}

/** A test as the report of the runner has it. */
interface TestCase {
  /** Names of its groups and its own. */
  name: string;
  outcome: "passed" | "failed" | "skipped";
}

/** Numbers of attacks in a name: "47: …", "attack 8, 10: …", "served, 113: …". */
const NUMBERS = /(?:^|[\s,>])(\d{1,3}(?:, \d{1,3})*): /g;

/** Runs the tests that the list of attacks names, those with a number in their name, and counts them by attack. */
export async function runAttackTests({ root, out, exec, metric, log }: GateContext): Promise<void> {
  const text = readFileSync(join(root, "fixtures", "attacks.yaml"), "utf8");
  const { attacks } = parse(text) as { attacks: Attack[] };
  const covered = attacks.filter(({ status }) => status === "covered");
  const files = [...new Set(covered.flatMap(({ tests = [] }) => tests))].sort();
  const report = join(out, "attack-tests.xml");
  const command = [process.execPath, "test", ...files.map((file) => `./${file}`), "-t", "\\d{1,3}: "];
  const failed = await exec([...command, "--reporter=junit", `--reporter-outfile=${report}`]).catch((error) => error);
  const cases = testCases(readFileSync(report, "utf8"));
  const rows = covered.map(({ id, title }) => {
    const mine = cases.filter(({ name }) => numbersOf(name).has(id));
    return { id, title, passed: mine.filter(({ outcome }) => outcome === "passed").length, all: mine.length };
  });
  const without = rows.filter(({ passed }) => passed === 0).map(({ id }) => id);
  await Bun.write(
    join(out, "attacks.tsv"),
    rows.map(({ id, title, passed, all }) => `${id}\t${passed}/${all}\t${title}\n`).join(""),
  );
  metric("attacks.covered", covered.length, "attacks");
  metric("attacks.open", attacks.length - covered.length, "attacks");
  metric("attacks.tests", cases.filter(({ outcome }) => outcome === "passed").length, "tests");
  log(`${files.length} files, ${cases.length} tests with the number of an attack`);
  if (failed instanceof Error) throw failed;
  if (without.length > 0) throw new Error(`no test of these attacks has passed: ${without.join(", ")}`);
}

function numbersOf(name: string): Set<number> {
  return new Set([...name.matchAll(NUMBERS)].flatMap((match) => match[1]!.split(", ").map(Number)));
}

/** The cases of a JUnit report, skipped ones (those without a number) left out. */
export function testCases(xml: string): TestCase[] {
  const cases: TestCase[] = [];
  for (const [, attributes = "", body = ""] of xml.matchAll(/<testcase\s([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    if (body.includes("<skipped")) continue;
    const of = (name: string): string => plain(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
    const outcome = /<(failure|error)/.test(body) ? "failed" : "passed";
    cases.push({ name: `${of("classname")} ${of("name")}`, outcome });
  }
  return cases;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
const plain = (text: string): string => text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name) => ENTITIES[name]!);
