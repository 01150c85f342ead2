import { readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { EXIT, type Invocation } from "./command.ts";
import { CliFailure } from "./failure.ts";

/**
 * Loads every chunk of the executable once. A bundler's mistake shows only when a chunk is evaluated, and most chunks
 * are not, most of the time.
 */
export async function run({ io }: Invocation): Promise<number> {
  if (!Bun.isStandaloneExecutable) throw new CliFailure("Only the built executable has chunks to load.");
  const [, main] = process.argv;
  const chunks = readdirSync(dirname(main!)).filter((name) => name.endsWith(".js") && name !== basename(main!));
  let failed = 0;
  for (const chunk of chunks) {
    try {
      await import(`${dirname(main!)}/${chunk}`);
    } catch (error) {
      failed++;
      io.err(`${chunk}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  io.out(`${chunks.length - failed} of ${chunks.length} chunks loaded`);
  return failed === 0 ? EXIT.ok : EXIT.failed;
}
