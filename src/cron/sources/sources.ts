import { LIMITS } from "../../../generated/limits.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Job } from "../job.ts";
import type { JobRepository } from "../job-repository.ts";
import { ExitWatch, watchKey } from "./exit-watch.ts";
import { StreamSource } from "./stream-source.ts";
import type { Source, SourcePorts } from "./types.ts";

export interface SourcesDeps {
  jobs: JobRepository;
  config: ConfigPort;
  ports: SourcePorts;
  log: Logger;
  /** Where commands run that say no folder; absolute. */
  folder: string;
}

export const STREAMS_OFF =
  "cron stream schedules are disabled because the operator set cron.triggers.enabled: false; remove it or set it to true";

/** Keeps the commands at work that enabled jobs watch: each as often and as long as its job says, and no other. */
export class Sources {
  private readonly sources = new Map<string, { key: string; source: Source }>();
  /** Those that are being ended, by job: the next one of the job begins after them. */
  private readonly ending = new Map<string, Promise<void>>();
  private looking: Promise<void> | undefined;
  private again = false;
  private isOn = false;

  constructor(private readonly deps: SourcesDeps) {}

  get count(): number {
    return this.sources.size;
  }

  /** Brings what is watched in line with the jobs, and begins what waits. With `false` everything is ended. */
  look(isOn: boolean): void {
    this.isOn = isOn;
    this.again = true;
    this.looking ??= this.settle().finally(() => {
      this.looking = undefined;
    });
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    this.look(false);
    await this.looking;
    await Promise.all(this.ending.values());
  }

  private async settle(): Promise<void> {
    while (this.again) {
      this.again = false;
      try {
        await this.bringInLine();
      } catch (error) {
        this.deps.log.error("the commands that jobs watch could not be looked after", { error });
      }
    }
  }

  private async bringInLine(): Promise<void> {
    const { jobs, config } = this.deps;
    const streams = config.current.cron?.triggers?.enabled !== false;
    const found = this.isOn ? await jobs.watching() : [];
    const wanted = new Map(found.filter((job) => isWanted(job, streams)).map((job) => [job.id, job]));
    for (const [id, { key, source }] of this.sources) {
      const job = wanted.get(id);
      if (job !== undefined && watchKey(job) === key) source.pump();
      else this.end(id, source);
    }
    for (const [id, job] of wanted) {
      if (this.sources.has(id) || this.ending.has(id)) continue;
      if (this.sources.size >= LIMITS.cronSources) {
        this.deps.log.warn("too many commands are watched; a job waits until one is not any more", { jobId: id });
        continue;
      }
      this.sources.set(id, { key: watchKey(job), source: this.begin(job) });
    }
  }

  private begin(job: Job): Source {
    const { ports, folder, log } = this.deps;
    const { schedule, id } = job;
    const onError = (error: unknown) => log.error("the command that a job watches failed", { jobId: id, error });
    if (schedule.kind === "on-exit") return new ExitWatch(job, schedule, folder, ports, onError);
    if (schedule.kind === "stream") return new StreamSource(job, schedule, folder, ports, onError);
    throw new Error(`a job of the kind ${schedule.kind} watches nothing`);
  }

  private end(id: string, source: Source): void {
    this.sources.delete(id);
    const ended = source.stop().finally(() => {
      this.ending.delete(id);
      // Its job may watch something else by now.
      if (this.isOn) this.look(true);
    });
    this.ending.set(id, ended);
  }
}

const isWanted = ({ enabled, schedule, state }: Job, streams: boolean): boolean =>
  enabled && (schedule.kind === "on-exit" || (streams && state.streamRestartExhausted !== true));
