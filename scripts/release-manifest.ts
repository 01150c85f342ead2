import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { parseSecretKey, signatureOf } from "../src/defender/bundles/minisign.ts";

const USAGE = `usage: bun scripts/release-manifest.ts --key SECRET_KEY [--passphrase-file PATH] [--out PATH] EXECUTABLE…
Writes the manifest of a release, release.json unless told, and its signature beside it as .minisig. With it a gateway
attests that it is one of these executables (security.defender.release.manifest), and so does chela defend verify.`;

/** Returns the exit code. */
function main(words: string[]): number {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: { key: { type: "string" }, "passphrase-file": { type: "string" }, out: { type: "string" } },
  });
  const { key, out = "release.json", "passphrase-file": passphraseFile } = values;
  if (key === undefined || positionals.length === 0) {
    console.error(USAGE);
    return 2;
  }
  const { version } = JSON.parse(readFileSync(join(import.meta.dir, "..", "package.json"), "utf8")) as {
    version: string;
  };
  const artifacts = positionals.map((path) => {
    const bytes = readFileSync(path);
    return { name: basename(path), sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length };
  });
  const text = `${JSON.stringify({ format: "chela-release/1", version, artifacts }, null, 2)}\n`;
  const passphrase = passphraseFile === undefined ? undefined : readFileSync(passphraseFile, "utf8").split(/\r?\n/)[0];
  const secret = parseSecretKey(readFileSync(key, "utf8"), passphrase);
  writeFileSync(out, text);
  writeFileSync(`${out}.minisig`, signatureOf(Buffer.from(text), secret, `chela release ${version}`));
  return 0;
}

if (import.meta.main) process.exit(main(process.argv.slice(2)));
