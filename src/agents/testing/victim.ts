import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TEST_TOKEN, TestClient } from "../../gateway/testing.ts";

const CHILD = join(import.meta.dir, "crash-child.ts");

/** A gateway in a process of its own. */
export interface Victim {
  client: TestClient;
  /** Ends the process without a chance to tidy up. */
  kill(): Promise<void>;
}

/** Starts one that asks the model server at this address. */
export async function startVictim(stateDir: string, modelBaseUrl: string): Promise<Victim> {
  const child = Bun.spawn([process.execPath, CHILD, stateDir, modelBaseUrl], { stdout: "pipe", stderr: "inherit" });
  const reader = child.stdout.getReader();
  let output = "";
  while (!output.includes("\n")) output += new TextDecoder().decode((await reader.read()).value);
  const client = await TestClient.open(output.trim());
  await client.hello({ auth: { token: TEST_TOKEN } });
  return {
    client,
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Gives the work a folder that is gone afterwards. */
export async function withStateDir(work: (stateDir: string) => Promise<void>): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), "chela-crash-"));
  try {
    await work(stateDir);
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}
