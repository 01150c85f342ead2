import { mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { RECORDINGS, readCases } from "../src/parity/cases.ts";
import { ParityRunner } from "../src/parity/runner.ts";

const USAGE = `usage: bun scripts/record.ts URL TOKEN FOLDER [CASES]
Runs the recorded cases against a live gateway (ws://host:port with that shared token) and writes its answers, a file
for each file of cases, to FOLDER. The gateway should be fresh and set up as fixtures/recordings/README.md says.
CASES is another folder of cases.`;

const [url, token, folder, cases = join(RECORDINGS, "cases")] = process.argv.slice(2);
if (!url || !token || !folder) {
  console.error(USAGE);
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const files = readdirSync(cases).filter((file) => file.endsWith(".jsonl"));
for (const file of files.sort()) {
  // A runner of its own for each file: cases of one file do not use connections of another.
  const runner = new ParityRunner({ url, token });
  const records: string[] = [];
  for (const step of await readCases(file, cases)) records.push(JSON.stringify(await runner.run(step)));
  await runner.close();
  await Bun.write(join(folder, file), `${records.join("\n")}\n`);
  console.log(`${basename(file, ".jsonl")}: ${records.length} answers`);
}
