import { describe, expect, test } from "bun:test";
import { readTests } from "./verify.ts";

describe("what a run of the tests says", () => {
  test("is summed up", () => {
    const output = "(pass) a [0.1ms]\n\n 12 pass\n 2 skip\n 0 fail\n 30 expect() calls\nRan 12 tests across 2 files.";
    expect(readTests(output, true)).toEqual({ passed: 12, failed: 0, output: undefined });
  });

  test("shows the failures when there are some", () => {
    const output = "(pass) a\nerror: expect(received).toBe(expected)\n(fail) b\n\n 1 pass\n 1 fail\nRan 2 tests";
    const outcome = readTests(output, false);
    expect(outcome).toMatchObject({ passed: 1, failed: 1 });
    expect(outcome.output).toContain("expect(received)");
  });

  test("counts a file that cannot be loaded as a failure", () => {
    expect(readTests("error: Cannot find module\n\n 3 pass\n 0 fail\n 1 error\n", false)).toMatchObject({
      passed: 3,
      failed: 1,
    });
    expect(readTests("", false)).toMatchObject({ passed: 0, failed: 1 });
  });

  test("takes the sums at the end, not numbers that a test printed", () => {
    expect(readTests(" 99 fail\n\n 1 pass\n 0 fail\n", true)).toMatchObject({ passed: 1, failed: 0 });
  });
});
