import { afterAll, beforeAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Gives the tests of a file a home folder of their own, so that nothing they do reaches the one of who runs them. */
export function useTemporaryHome(): void {
  const before = process.env.HOME;
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), "chela-home-"));
    process.env.HOME = home;
  });
  afterAll(() => {
    process.env.HOME = before;
    rmSync(home, { recursive: true, force: true });
  });
}
