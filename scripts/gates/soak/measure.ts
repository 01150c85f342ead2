import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** What a process holds at a moment. Bytes are MiB. */
export interface Measure {
  atMs: number;
  rss: number;
  /** Memory of its own, not backed by files. */
  anonymous: number;
  descriptors: number;
  threads: number;
  /** Database, log of writes ahead and its index. */
  database: number;
  /** Processor time since its start, in seconds. */
  cpu: number;
}

const MIB = 2 ** 20;
const TICKS_PER_SECOND = 100;

/** Reads /proc and the state directory. @throws when the process is gone */
export function measure(pid: number, stateDir: string): Measure {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  const databases = readdirSync(stateDir).filter((file) => file.startsWith("chela.sqlite"));
  return {
    atMs: Date.now(),
    rss: field("VmRSS") / 1024,
    anonymous: field("RssAnon") / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: field("Threads"),
    database: databases.reduce((sum, file) => sum + statSync(join(stateDir, file)).size, 0) / MIB,
    cpu: cpuSeconds(pid),
  };
}

/** User and system time of a process alone. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
