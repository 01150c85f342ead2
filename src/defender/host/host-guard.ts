import { type FSWatcher, watch } from "node:fs";
import type { EventBus } from "../../platform/bus.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { RiskSource } from "../risk.ts";
import type { Finding } from "../types.ts";
import type { Baseline, HostFinding } from "./baseline.ts";
import { problemsOf, reasonOf } from "./differences.ts";
import { factsOf, lookOf, type PathFacts } from "./facts.ts";
import type { GuardedPath } from "./paths.ts";

export interface HostGuardOptions {
  baseline: Baseline;
  /** Read at every look: they follow the configuration. */
  paths: () => readonly GuardedPath[];
  isEnabled: () => boolean;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  limits: HostLimits;
}

/** Values and reasons in `spec/chela/limits.yaml`. */
export interface HostLimits {
  hostFirstLookMs: number;
  hostLookMs: number;
  hostSettleMs: number;
  hostLargeBytes: number;
}

/** A finding with what it is about. */
export interface HostReport extends HostFinding {
  guarded: GuardedPath["guarded"];
  reason: string;
}

/** Who accepted what the gateway itself has written. */
const ITSELF = "gateway";

/**
 * Watches files by which a machine, or this gateway, could be taken over. The first look takes them as they are for right;
 * whatever is found later raises the risk of every action until a person accepts it, also when it was put back meanwhile.
 * The system's notice of changes makes it prompt, a look once in a while makes it sure.
 */
export class HostGuard implements RiskSource {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private looked = new Map<string, string>();
  private readonly watchers = new Map<string, FSWatcher>();
  private accepted: Map<string, PathFacts> | undefined;
  private found: HostFinding[] | undefined;
  private work: Promise<unknown> = Promise.resolve();
  private stopListening: (() => void) | undefined;
  private isStopped = false;

  constructor(private readonly options: HostGuardOptions) {}

  /** Begins to look, some time after the start: nothing is read now. Changes that the gateway makes to its configuration are accepted. */
  start(): void {
    const { bus, limits } = this.options;
    this.isStopped = false;
    this.stopListening = bus.subscribe(({ event, payload }) => {
      if (event !== "config.changed") return;
      const { path } = payload as { path: string };
      void this.inTurn(() => this.acceptOwn(path));
    });
    this.lookIn(limits.hostFirstLookMs);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.stopListening?.();
    for (const watcher of this.watchers.values()) watcher.close();
    this.watchers.clear();
    await this.work;
  }

  get isEnabled(): boolean {
    return this.options.isEnabled();
  }

  /** What every action's risk is raised by: the worst of what was found and not accepted. */
  async risk(): Promise<Finding[]> {
    if (!this.isEnabled) return [];
    return worst((await this.open()).map((each) => this.told(each)));
  }

  /** What was found and not accepted. */
  async reports(): Promise<HostReport[]> {
    return (await this.open()).map((finding) => {
      const { guarded, what } = this.known(finding.path);
      return { ...finding, guarded, reason: reasonOf(what, finding.problem) };
    });
  }

  /** The guarded paths, and since when each is accepted as it is. */
  async watched(): Promise<{ path: string; guarded: GuardedPath["guarded"]; state: PathFacts["kind"] | "new" }[]> {
    const accepted = await this.baseline();
    return this.options
      .paths()
      .map(({ path, guarded }) => ({ path, guarded, state: accepted.get(path)?.kind ?? "new" }));
  }

  /** Looks at everything now. */
  check(): Promise<HostReport[]> {
    return this.inTurn(async () => {
      this.looked.clear();
      await this.look();
      return this.reports();
    });
  }

  /**
   * Takes paths as they are now for right.
   * @param wanted absolute paths, or all of them
   * @returns how many were accepted; paths that are not guarded do not count
   */
  accept(wanted: readonly string[] | "all", by: string): Promise<number> {
    return this.inTurn(async () => {
      const paths = this.options.paths().filter(({ path }) => wanted === "all" || wanted.includes(path));
      await this.takeForRight(paths, by);
      return paths.length;
    });
  }

  private async acceptOwn(path: string): Promise<void> {
    const accepted = await this.baseline();
    if (!accepted.has(path)) return;
    const [guarded] = this.options.paths().filter((each) => each.path === path);
    if (guarded === undefined) return;
    // What somebody else did before is not settled by the gateway's own change on top of it.
    const isOpen = (await this.open()).some((finding) => finding.path === path);
    if (!isOpen) await this.takeForRight([guarded], ITSELF);
  }

  private async takeForRight(paths: readonly GuardedPath[], by: string): Promise<void> {
    const { baseline, clock, log } = this.options;
    const facts = new Map<string, PathFacts>();
    for (const { path } of paths) {
      this.looked.set(path, await lookOf(path));
      facts.set(path, await factsOf(path, undefined, this.options.limits.hostLargeBytes));
    }
    await baseline.accept(facts, by, clock.now());
    this.accepted = undefined;
    this.found = undefined;
    if (by !== ITSELF) log.info("guarded files were accepted as they are", { by, count: facts.size });
  }

  /** One piece of work after the other; a failed one is logged and ends none that follows. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.work.then(work);
    this.work = next.catch((error: unknown) => {
      if (!this.isStopped) this.options.log.error("guarded files could not be looked at", { error });
    });
    return next;
  }

  private lookIn(ms: number): void {
    if (this.isStopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.inTurn(() => (this.isEnabled ? this.look() : Promise.resolve()))
        .catch(() => {})
        .finally(() => this.lookIn(this.options.limits.hostLookMs));
    }, ms);
    this.timer.unref();
  }

  /** Reads what may have changed since the last look. */
  private async look(): Promise<void> {
    const { baseline, clock, log, limits } = this.options;
    const paths = this.options.paths();
    const accepted = await this.baseline();
    const isOther = paths.length !== accepted.size || paths.some(({ path }) => !accepted.has(path));
    const found: { path: string; problem: HostFinding["problem"] }[] = [];
    const fresh = new Map<string, PathFacts>();
    for (const { path, guarded } of paths) {
      const seen = await lookOf(path);
      if (this.looked.get(path) === seen) continue;
      const before = accepted.get(path);
      const now = await factsOf(path, before, limits.hostLargeBytes);
      // The gateway makes its keys when it first needs them; one that was there and is gone is told of as missing.
      const isMade = guarded === "key" && before?.kind === "absent" && now.kind === "file";
      if (before === undefined || isMade) fresh.set(path, now);
      else found.push(...problemsOf(before, now).map((problem) => ({ path, problem })));
      this.looked.set(path, seen);
      this.watch(path);
    }
    if (fresh.size > 0) await baseline.accept(fresh, ITSELF, clock.now());
    if (isOther) await baseline.keepOnly(paths.map(({ path }) => path));
    if (fresh.size > 0 || isOther) this.accepted = undefined;
    if (found.length === 0 && !isOther) return;
    await baseline.note(found, clock.now());
    this.found = undefined;
    for (const { path, problem } of found) log.warn("a guarded file is not as it was", { path, problem });
  }

  /** Has the next look come soon after the system tells of a change. */
  private watch(path: string): void {
    this.watchers.get(path)?.close();
    this.watchers.delete(path);
    try {
      const watcher = watch(path, { persistent: false }, () => this.lookIn(this.options.limits.hostSettleMs));
      watcher.on("error", () => watcher.close());
      this.watchers.set(path, watcher);
    } catch {
      // It is not there, or the system has no notices left: the look once in a while finds it.
    }
  }

  private async baseline(): Promise<Map<string, PathFacts>> {
    this.accepted ??= await this.options.baseline.all();
    return this.accepted;
  }

  private async open(): Promise<HostFinding[]> {
    this.found ??= await this.options.baseline.findings();
    return this.found;
  }

  private known(path: string): GuardedPath {
    const found = this.options.paths().find((each) => each.path === path);
    return found ?? { path, guarded: "other", what: "A protected file", weight: 0 };
  }

  private told({ path, problem }: HostFinding): Finding {
    const { guarded, what, weight } = this.known(path);
    return { id: `host.${guarded}-${problem}`, score: weight, reason: reasonOf(what, problem) };
  }
}

/** The worst is enough to say; all of them would push what the action itself is out of the record. */
const worst = (findings: readonly Finding[]): Finding[] => {
  const [first] = [...findings].sort((a, b) => b.score - a.score);
  return first === undefined || first.score === 0 ? [] : [first];
};
