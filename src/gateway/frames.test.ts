import { expect, spyOn, test } from "bun:test";
import { closeReason } from "./frames.ts";

test("a close reason is what fits into a close frame, whole characters alone", () => {
  expect(closeReason("device removed")).toBe("device removed");
  expect(closeReason("k".repeat(123))).toBe("k".repeat(123));
  expect(closeReason("k".repeat(124))).toBe("k".repeat(123));
  expect(closeReason("щ".repeat(62))).toBe("щ".repeat(61));
  for (const lead of ["", "k", "kk", "kkk"]) {
    const reason = closeReason(lead + "😀".repeat(100));
    expect(reason).toBe(lead + "😀".repeat(Math.floor((123 - lead.length) / 4)));
  }
});

test("a close reason costs the same, however long a stranger made its text", () => {
  const measured = spyOn(Buffer, "byteLength");
  closeReason("k".repeat(60_000));
  expect(measured.mock.calls.length).toBeLessThan(200);
  measured.mockRestore();
});
