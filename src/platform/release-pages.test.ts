import { describe, expect, test } from "bun:test";
import { droppable, releaseCodePages } from "./release-pages.ts";

const block = (head: string, anonymous = 0): string =>
  `${head}\nSize:  1000 kB\nRss:   900 kB\nAnonymous:  ${anonymous} kB\nAnonHugePages: 0 kB\nVmFlags: rd ex mr\n`;

describe("which pages can be dropped", () => {
  test("code and constants of files that nobody has written to", () => {
    const smaps = [
      block("00200000-01a39000 r--p 00000000 fe:00 77    /opt/chela"),
      block("01a40000-0684a000 r-xp 01840000 fe:00 77    /opt/chela"),
    ].join("");
    expect(droppable(smaps)).toEqual([
      { start: 0x200000n, end: 0x1a39000n },
      { start: 0x1a40000n, end: 0x684a000n },
    ]);
  });

  test("nothing that differs from its file, can be written, has no file, or is small", () => {
    const smaps = [
      block("00200000-01a39000 r--p 00000000 fe:00 77    /opt/chela", 4),
      block("06867000-06f83000 rw-p 06660000 fe:00 77    /opt/chela"),
      block("07000000-09000000 rwxp 00000000 fe:00 77    /opt/chela"),
      block("0a000000-0c000000 r-xs 00000000 fe:00 77    /opt/chela"),
      block("35cee2000000-35d2e2000000 r-xp 00000000 00:00 0 "),
      block("7ffd0000000-7ffd4000000 r-xp 00000000 00:00 0    [vdso]"),
      block("00200000-00210000 r-xp 00000000 fe:00 77    /opt/small"),
    ].join("");
    expect(droppable(smaps)).toEqual([]);
  });
});

test.if(process.platform === "linux")("this process lives on after it", async () => {
  expect(await releaseCodePages()).toBeGreaterThan(0);
  expect(JSON.parse(JSON.stringify({ still: [1, "two"] }))).toEqual({ still: [1, "two"] });
});
