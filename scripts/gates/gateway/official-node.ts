import { createInterface } from "node:readline";
import { OFFICIAL_CHECKS } from "../../../src/parity/official-checks.ts";

/**
 * Runs the checks of the official client under Node, which strips the types by itself.
 *
 * usage: node official-node.ts URL TOKEN
 * Prints `ok NAME` or `not ok NAME: REASON` for each. Asks for a restart of the gateway with the line `restart` and waits
 * for an answering line; where standard input is closed, checks that need one fail.
 */
const [url, token] = process.argv.slice(2);
if (!url || !token) throw new Error("usage: node official-node.ts URL TOKEN");

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function restart(): Promise<void> {
  console.log("restart");
  const { done } = await answers.next();
  if (done) throw new Error("nobody restarts the gateway");
}

let failed = 0;
for (const [name, check] of Object.entries(OFFICIAL_CHECKS)) {
  try {
    await check({ url, token, restart });
    console.log(`ok ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${name}: ${error instanceof Error ? error.message : error}`);
  }
}
process.exit(failed > 0 ? 1 : 0);
