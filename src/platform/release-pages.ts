import { readFileSync } from "node:fs";

/**
 * Only drops the mapping; the page stays in the file cache. MADV_PAGEOUT would spare written pages, of which there are
 * none here, but also throws the code out of the cache, so that it is read from the disk again, and does nothing at all
 * for a user who does not own the executable (measured on Linux 6.18).
 */
const MADV_DONTNEED = 4;
/** Smaller mappings are not worth the call. */
const LEAST_BYTES = 1 << 20;

/** A part of the address space, as `/proc/self/smaps` describes it. */
export interface Mapping {
  start: bigint;
  end: bigint;
}

/**
 * The mappings whose pages can be dropped at no risk: program code and constants that come from a file and that nobody
 * has written to. A page of them that is needed again is taken from the file as it was. What the loader has relocated
 * is no longer as in the file; such a mapping counts as anonymous in part and is left out.
 */
export function droppable(smaps: string): Mapping[] {
  const found: Mapping[] = [];
  for (const block of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p [0-9a-f]+ \S+ [1-9]\d* +\//.exec(block);
    if (head === null || !/^Anonymous: +0 kB$/m.test(block)) continue;
    const mapping = { start: BigInt(`0x${head[1]}`), end: BigInt(`0x${head[2]}`) };
    if (mapping.end - mapping.start >= LEAST_BYTES) found.push(mapping);
  }
  return found;
}

/**
 * Gives back the memory of code that ran at the start and will hardly run again: about half of what an idle gateway
 * holds. The kernel keeps the file in its cache, so what is needed again costs no reading from the disk. Does nothing
 * where it cannot be done. Returns the number of mappings.
 */
export async function releaseCodePages(): Promise<number> {
  if (process.platform !== "linux") return 0;
  try {
    const { dlopen, FFIType } = await import("bun:ffi");
    const { u64, i32 } = FFIType;
    const libc = dlopen("libc.so.6", { madvise: { args: [u64, u64, i32], returns: i32 } });
    const mappings = droppable(readFileSync("/proc/self/smaps", "utf8"));
    for (const { start, end } of mappings) libc.symbols.madvise(start, end - start, MADV_DONTNEED);
    libc.close();
    return mappings.length;
  } catch {
    return 0;
  }
}
