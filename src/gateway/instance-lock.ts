import { Database } from "bun:sqlite";
import { unlinkSync } from "node:fs";
import { join } from "node:path";
import {
  createPrivateFile,
  makePrivateDirectory,
  readPrivateFile,
  writePrivateFile,
} from "../platform/private-file.ts";

/** What a running gateway writes down about itself, for people and for `--force`. */
export interface InstanceFacts {
  pid: number;
  /** Absent until it listens. */
  url?: string;
  /** Epoch milliseconds. */
  startedAt: number;
}

const factsFile = (stateDir: string): string => join(stateDir, "gateway.pid.json");

/** A lock that nobody refers to would be collected, and with it let go. */
const held = new Set<Database>();

/** Another gateway works on this state directory. */
export class AlreadyRunning extends Error {
  constructor(
    readonly stateDir: string,
    readonly facts: InstanceFacts | null,
  ) {
    const who = facts === null ? "" : ` (pid ${facts.pid}${facts.url ? `, ${facts.url}` : ""})`;
    super(`Another gateway already works on ${stateDir}${who}.`);
    this.name = "AlreadyRunning";
  }
}

/**
 * One gateway per state directory. The lock is the system's own on a file, so it goes with the process that holds it,
 * however that ends: a crash leaves nothing to clean up, and numbers of processes, which containers reuse, decide nothing.
 */
export class InstanceLock {
  private constructor(
    private readonly file: Database,
    private readonly stateDir: string,
  ) {}

  /** Takes the lock and writes down who has it. @throws AlreadyRunning when another process has it */
  static take(stateDir: string, startedAt: number): InstanceLock {
    makePrivateDirectory(stateDir);
    const path = join(stateDir, "gateway.lock");
    createPrivateFile(path, "");
    const file = new Database(path);
    try {
      file.exec("PRAGMA busy_timeout = 0");
      // Nothing is ever written; without this a journal would lie beside it.
      file.exec("PRAGMA journal_mode = MEMORY");
      file.exec("BEGIN EXCLUSIVE");
    } catch (error) {
      file.close();
      if (!/locked|busy/i.test(String(error))) throw error;
      throw new AlreadyRunning(stateDir, runningInstance(stateDir));
    }
    held.add(file);
    const lock = new InstanceLock(file, stateDir);
    lock.note({ startedAt });
    return lock;
  }

  /** Writes down where the gateway listens. */
  note(facts: Omit<InstanceFacts, "pid">): void {
    writePrivateFile(factsFile(this.stateDir), `${JSON.stringify({ pid: process.pid, ...facts })}\n`);
  }

  release(): void {
    try {
      unlinkSync(factsFile(this.stateDir));
    } catch {
      // Somebody removed it; nothing depends on it.
    }
    held.delete(this.file);
    this.file.close();
  }
}

/** What the gateway that has the lock wrote down, or null. Without the lock it is only what the last one wrote. */
export function runningInstance(stateDir: string): InstanceFacts | null {
  try {
    const facts = JSON.parse(readPrivateFile(factsFile(stateDir)) ?? "null") as InstanceFacts | null;
    return facts !== null && Number.isInteger(facts.pid) && facts.pid > 0 ? facts : null;
  } catch {
    return null;
  }
}

/**
 * Ends the gateway that has the lock, gently at first, and takes the lock.
 * @throws AlreadyRunning when it is still there after `graceMs`, or nothing says which process it is
 */
export async function takeOver(stateDir: string, startedAt: number, graceMs: number): Promise<InstanceLock> {
  const deadline = performance.now() + graceMs;
  let asked = 0;
  for (;;) {
    try {
      return InstanceLock.take(stateDir, startedAt);
    } catch (error) {
      if (!(error instanceof AlreadyRunning) || error.facts === null || performance.now() > deadline) throw error;
      const { pid } = error.facts;
      if (pid !== asked) {
        asked = pid;
        process.kill(pid, "SIGTERM");
      }
      await Bun.sleep(50);
    }
  }
}
