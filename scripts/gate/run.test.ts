import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GateReport } from "./report.ts";
import { type Gate, runGate } from "./run.ts";

const root = mkdtempSync(join(tmpdir(), "chela-gate-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const written = (gate: string, file: string): string => readFileSync(join(root, "out", "gates", gate, file), "utf8");

async function run(work: Gate["run"]): Promise<{ report: GateReport; said: string[] }> {
  const said: string[] = [];
  const gate = { name: "trial", summary: "A trial.", run: work };
  return { report: await runGate(gate, { root, args: ["a"], say: (line) => said.push(line) }), said };
}

describe("a gate", () => {
  test("that does its steps passes and leaves log, durations, metrics and summary", async () => {
    const { report, said } = await run(async (context) => {
      expect(context.args).toEqual(["a"]);
      expect(await context.step("count", () => 7)).toBe(7);
      context.metric("answers", 42, "answers");
      context.log("a word");
      context.skip("the sea", "there is no water");
    });
    expect(report.ok).toBe(true);
    expect(said.at(-1)).toStartWith("gate trial: passed");
    expect(written("trial", "durations.tsv")).toMatch(
      /^step\toutcome\tms\ncount\tpassed\t[\d.]+\nthe sea\tskipped\t0\.0\ntotal\t/,
    );
    expect(JSON.parse(written("trial", "metrics.json")).metrics).toEqual({ answers: { value: 42, unit: "answers" } });
    expect(written("trial", "log.txt")).toContain("a word");
    const summary = written("trial", "summary.md");
    expect(summary).toStartWith("# Gate trial: passed\n");
    expect(summary).toContain("1 passed, 0 failed, 1 skipped");
    expect(summary).toContain("| answers | 42 | answers |");
  });

  test("whose step fails does not go on", async () => {
    let reached = false;
    const { report } = await run(async ({ step }) => {
      await step("fall", () => Promise.reject(new Error("it fell")));
      reached = true;
    });
    expect(reached).toBe(false);
    expect(report.ok).toBe(false);
    expect(report.steps.map(({ name, outcome, reason }) => ({ name, outcome, reason }))).toEqual([
      { name: "fall", outcome: "failed", reason: "it fell" },
    ]);
    expect(written("trial", "summary.md")).toStartWith("# Gate trial: FAILED\n");
  });

  test("whose check fails goes on and fails in the end", async () => {
    const { report } = await run(async ({ check }) => {
      expect(await check("one", () => Promise.reject(new Error("no")))).toBe(false);
      expect(await check("two", () => {})).toBe(true);
    });
    expect(report.ok).toBe(false);
    expect(report.steps.map(({ outcome }) => outcome)).toEqual(["failed", "passed"]);
  });

  test("that throws outside of its steps fails", async () => {
    const { report } = await run(() => Promise.reject(new Error("out of the blue")));
    expect(report.ok).toBe(false);
    expect(report.steps[0]).toMatchObject({ name: "run", outcome: "failed", reason: "out of the blue" });
  });

  test("that does nothing at all has proven nothing", async () => {
    expect((await run(() => Promise.resolve())).report.ok).toBe(false);
  });

  test("fails with the words of a command that failed, and logs what commands say", async () => {
    const { report } = await run(async ({ check, exec }) => {
      expect(await exec(["sh", "-c", "echo $WORD"], { env: { WORD: "spoken" } })).toBe("spoken\n");
      await check("broken", () => exec(["sh", "-c", "echo why >&2; exit 3"]));
    });
    expect(report.ok).toBe(false);
    expect(report.steps[0]?.reason).toMatch(/ended with 3\nwhy$/);
    expect(written("trial", "log.txt")).toContain("spoken");
  });
});
