import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks per second of /proc/PID/stat; 100 on every Linux that Bun runs on. */
const TICKS_PER_SECOND = 100;

/** The process and all that it has started, by what /proc says now. */
export function processTree(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    const stat = /^\d+$/.test(entry) ? statOf(Number(entry)) : null;
    if (stat === null) continue;
    const siblings = children.get(stat.parent) ?? [];
    siblings.push(Number(entry));
    children.set(stat.parent, siblings);
  }
  const tree = [pid];
  for (const member of tree) tree.push(...(children.get(member) ?? []));
  return tree;
}

/** Processor time, user and system, that a process and its children have used, in milliseconds (steps of 10). */
export function cpuMs(pid: number): number {
  const ticks = processTree(pid).map((member) => statOf(member)?.ticks ?? 0);
  return (ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND) * 1000;
}

/** Parent and processor time of a process; null when it is gone. Source: proc_pid_stat(5). */
function statOf(pid: number): { parent: number; ticks: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name may hold spaces and parentheses, so that fields are counted from its end.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return null;
  }
}

/** Memory of a process and its children in MiB: resident, and its share where pages are shared. */
export function memoryMiB(pid: number): { rss: number; pss: number } {
  const sum = { rss: 0, pss: 0 };
  for (const member of processTree(pid)) {
    const text = readFileSync(`/proc/${member}/smaps_rollup`, "utf8");
    sum.rss += kB(text, "Rss") / 1024;
    sum.pss += kB(text, "Pss") / 1024;
  }
  return sum;
}

const kB = (text: string, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);

/** Ends a process and everything it has started, by their ids, and waits until it is gone. */
export async function endProcess(child: Bun.Subprocess, graceMs = 5000): Promise<void> {
  const tree = processTree(child.pid);
  child.kill("SIGTERM");
  const ended = await Promise.race([child.exited.then(() => true), Bun.sleep(graceMs).then(() => false)]);
  for (const member of ended ? tree.slice(1) : tree) {
    try {
      process.kill(member, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
  await child.exited;
}
