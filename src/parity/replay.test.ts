import { expect, test } from "bun:test";
import { useTemporaryHome } from "../platform/testing-home.ts";
import { readCases, readRecords } from "./cases.ts";
import { replay } from "./replay.ts";
import { exceptionsUsed, failures, skipReasons, summaryTable, superfluousExceptions, tally } from "./report.ts";
import { readExceptions } from "./scope.ts";
import { startRecordedGateway } from "./testing.ts";

useTemporaryHome();

test("recorded upstream exchanges agree, and planned methods are answered as unknown ones", async () => {
  const running = await startRecordedGateway();
  const [cases, records, exceptions] = await Promise.all([readCases(), readRecords(), readExceptions()]);
  const results = await replay({ target: running.target, cases, records, exceptions, pace: 0.2 });
  // Answers and events are held against their spec as well; this throws when one broke it.
  await running.stop();
  const counts = tally(results);
  const notes = [...exceptionsUsed(results), ...skipReasons(results)];
  console.log(`${summaryTable(results)}\n${notes.join("\n")}`);
  expect(failures(results)).toEqual([]);
  expect(superfluousExceptions(results)).toEqual([]);
  expect(counts.agree + counts.planned + counts.skipped).toBe(counts.cases);
  expect(counts.agree).toBeGreaterThan(540);
}, 180_000);
