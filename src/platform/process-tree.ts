import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Whether the kernel tells of processes in files; where it does not, only the leader's own group is known. */
const HAS_PROC = existsSync("/proc/self/stat");

/** A process as the kernel tells of it. A pid alone may be another process a moment later; with its start it is one. */
interface Fact {
  pid: number;
  parent: number;
  session: number;
  /** Clock ticks since the machine started. */
  started: number;
  /** It has ended and only waits to be counted. */
  isZombie: boolean;
}

/** Between two looks while a tree ends. */
const LOOK_MS = 15;
/** Looks on end without anything there, after which a tree counts as gone. */
const CALM_LOOKS = 3;
/** Looks with SIGKILL before giving up: what survives that long waits in the kernel. */
const KILL_LOOKS = 130;

/**
 * A process that was started as the leader of its own session, and everything that came of it: its descendants, what
 * shares its session, and what has left both but still carries its mark in the environment. Only such processes are
 * ever signalled, each checked by its start time right before (KNOWN_ATTACKS 87).
 */
export class ProcessTree {
  private readonly leader: Fact | null;
  /** Start times of what was once seen to be of the tree, by pid: it stays of it, whatever becomes of its parents. */
  private readonly known = new Map<number, number>();

  /**
   * To be made right after the start, before the event loop goes on: until then not even one that has ended is gone.
   * @param mark an environment entry (`NAME=value`) that the leader was started with and nobody else has
   */
  constructor(
    private readonly pid: number,
    private readonly mark: string,
  ) {
    this.leader = factOf(pid);
  }

  /** What is alive of it; nothing where the kernel does not tell of processes. */
  get pids(): number[] {
    return HAS_PROC ? this.members().map(({ pid }) => pid) : [];
  }

  /** True while a process of the leader's own group is there. */
  get hasGroup(): boolean {
    return groupExists(this.pid);
  }

  /**
   * Ends the leader's own group after the leader has exited: what it left behind in the background. What has made
   * itself a session of its own, as daemons do, stays.
   */
  async endGroup(): Promise<void> {
    if (!groupExists(this.pid)) return;
    if (!HAS_PROC) return signalGroup(this.pid, "SIGKILL");
    for (let look = 0; look < KILL_LOOKS; look++) {
      const left = this.members().filter(({ session }) => session === this.pid);
      if (left.length === 0) return;
      for (const fact of left) send(fact, "SIGKILL");
      await Bun.sleep(LOOK_MS);
    }
  }

  /** Asks everything to end and, what has not after `graceMs`, is killed. True when nothing is left. */
  async end(graceMs: number): Promise<boolean> {
    this.signalAll("SIGTERM");
    const looks = Math.max(CALM_LOOKS, Math.ceil(graceMs / LOOK_MS));
    return (await this.isGone(looks, null)) || this.isGone(KILL_LOOKS, "SIGKILL");
  }

  /** Looks until nothing was there for some looks on end: one that becomes another program cannot be read meanwhile. */
  private async isGone(looks: number, signal: NodeJS.Signals | null): Promise<boolean> {
    let calm = 0;
    for (let look = 0; look < looks; look++) {
      const isThere = signal === null ? this.isThere : this.signalAll(signal);
      calm = isThere ? 0 : calm + 1;
      if (calm >= CALM_LOOKS) return true;
      await Bun.sleep(LOOK_MS);
    }
    return false;
  }

  private get isThere(): boolean {
    return HAS_PROC ? this.members().length > 0 : groupExists(this.pid);
  }

  /** Signals all that is there. False when there is nothing. */
  private signalAll(signal: NodeJS.Signals): boolean {
    if (!HAS_PROC) {
      signalGroup(this.pid, signal);
      return groupExists(this.pid);
    }
    const left = this.members();
    for (const fact of left) send(fact, signal);
    return left.length > 0;
  }

  /** What is alive of the tree. */
  private members(): Fact[] {
    const { leader, pid } = this;
    if (leader === null) return [];
    const all = allProcesses().filter(({ started }) => started >= leader.started);
    const isLeader = (fact: Fact): boolean => fact.pid === pid && fact.started === leader.started;
    const found = new Map<number, Fact>();
    const take = (fact: Fact): unknown => found.set(fact.pid, fact);
    // While anything of the session is there its number is not given to another process; if it was, there is nothing.
    const isOwnSession = (factOf(pid)?.started ?? leader.started) === leader.started;
    for (const fact of all) {
      const isKnown = this.known.get(fact.pid) === fact.started;
      if (isKnown || isLeader(fact) || (isOwnSession && fact.session === pid)) take(fact);
    }
    for (const fact of all) if (!found.has(fact.pid) && carries(fact.pid, this.mark)) take(fact);
    // Parents come before their children only by chance: repeat until nothing is added.
    for (let before = -1; before !== found.size; ) {
      before = found.size;
      for (const fact of all) if (!found.has(fact.pid) && found.has(fact.parent)) take(fact);
    }
    found.delete(process.pid);
    this.known.clear();
    for (const fact of found.values()) this.known.set(fact.pid, fact.started);
    return [...found.values()];
  }
}

function send(fact: Fact, signal: NodeJS.Signals): void {
  if (factOf(fact.pid)?.started !== fact.started) return;
  try {
    process.kill(fact.pid, signal);
  } catch {
    // It ended meanwhile, or belongs to another user by now.
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Nothing is left of it.
  }
}

function groupExists(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function allProcesses(): Fact[] {
  const facts: Fact[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const fact = factOf(Number(name));
    if (fact !== null && !fact.isZombie) facts.push(fact);
  }
  return facts;
}

/** Null for a process that is not there. */
function factOf(pid: number): Fact | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name stands in brackets and may hold anything, brackets too.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, parent, , session] = fields;
    return {
      pid,
      parent: Number(parent),
      session: Number(session),
      started: Number(fields[19]),
      isZombie: state === "Z" || state === "X",
    };
  } catch {
    return null;
  }
}

function carries(pid: number, mark: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}\0`.includes(`\0${mark}\0`);
  } catch {
    return false;
  }
}
