import { expect, test } from "bun:test";
import { testCases } from "./attack-tests.ts";

test("cases of a report have their groups, and those that were not run are left out", () => {
  const xml = `<testsuites><testsuite name="a.test.ts">
    <testcase name="7: a &quot;b&quot;" classname="" time="0" file="a.test.ts" />
    <testcase name="c" classname="8, 9: group" time="0"><failure type="AssertionError" /></testcase>
    <testcase name="d" classname="" time="0"><skipped /></testcase>
  </testsuite></testsuites>`;
  expect(testCases(xml)).toEqual([
    { name: ' 7: a "b"', outcome: "passed" },
    { name: "8, 9: group c", outcome: "failed" },
  ]);
});
