import type { NodeHostStats } from "../../generated/types.ts";

const MAX_CPUS = 4096;
const MAX_LOAD = 100_000;
const KNOWN: ReadonlySet<string> = new Set([
  "cpuCount",
  "loadAverage",
  "memoryTotalBytes",
  "memoryFreeBytes",
  "diskTotalBytes",
  "diskAvailableBytes",
]);

/** What a node host tells of its machine, or null when it is not of the agreed form (docs: gateway/protocol, presence). */
export function hostStatsOf(payload: unknown, now: number): NodeHostStats | null {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return null;
  if (Object.keys(payload).some((name) => !KNOWN.has(name))) return null;
  const { cpuCount, loadAverage, memoryTotalBytes, memoryFreeBytes, diskTotalBytes, diskAvailableBytes } =
    payload as Record<string, unknown>;
  if (!isCount(cpuCount) || cpuCount < 1 || cpuCount > MAX_CPUS) return null;
  if (!isPart(memoryFreeBytes, memoryTotalBytes)) return null;
  if (loadAverage !== undefined && !isLoad(loadAverage)) return null;
  const hasDisk = diskTotalBytes !== undefined || diskAvailableBytes !== undefined;
  if (hasDisk && !isPart(diskAvailableBytes, diskTotalBytes)) return null;
  return { ...(payload as Omit<NodeHostStats, "updatedAtMs">), updatedAtMs: now };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isPart = (part: unknown, whole: unknown): boolean => isCount(part) && isCount(whole) && part <= whole;
const isLoad = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length === 3 &&
  value.every((load) => Number.isFinite(load) && load >= 0 && load <= MAX_LOAD);
