import { expect, test } from "bun:test";
import { join } from "node:path";
import { killRounds } from "./kill.ts";

const MAIN = join(import.meta.dir, "../../main.ts");

test("whatever was acknowledged before kill -9 is there afterwards, once and whole", async () => {
  const outcome = await killRounds({ command: [process.execPath, MAIN], rounds: 3, seed: 20_261 });
  expect(outcome.problems).toEqual([]);
  expect(outcome.rounds).toBe(3);
  expect(outcome.acknowledged).toBeGreaterThan(50);
}, 60_000);
