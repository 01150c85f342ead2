import { LIMITS } from "../../generated/limits.ts";
import { fileStamp, readTextFile } from "./file.ts";
import type { ConfigPaths, EnvMap } from "./paths.ts";
import { ConfigError } from "./problem.ts";
import { type ConfigSource, readSource } from "./source.ts";

/** What stands on disk: a configuration, or a file that is none. */
export interface DiskState {
  /** Text of the file, empty when it cannot be read or is not there. */
  text: string;
  exists: boolean;
  source: ConfigSource | null;
  error: ConfigError | null;
}

/** Reads the configuration from disk, again only when one of its files changed. */
export class Disk {
  private last: { looked: string[]; stamp: string; state: DiskState } | undefined;

  constructor(
    private readonly paths: ConfigPaths,
    private readonly env: EnvMap,
  ) {}

  /** Changes when one of the files that were read, or would have been, changes. */
  get stamp(): string {
    return stampOf(this.last?.looked ?? [this.paths.path]);
  }

  read(): DiskState {
    const { last } = this;
    if (last !== undefined && stampOf(last.looked) === last.stamp) return last.state;
    const looked: string[] = [];
    // Taken before reading: a change meanwhile makes the stamp old, and the next call reads again.
    const before = stampOf(last?.looked ?? [this.paths.path]);
    const state = this.readNow(looked);
    const sameFiles = last !== undefined && last.looked.join("\n") === looked.join("\n");
    this.last = { looked, stamp: sameFiles ? before : stampOf(looked), state };
    return state;
  }

  /**
   * What would be read if files had other texts, by path.
   * @throws ConfigError when it would be no configuration
   */
  draft(texts: ReadonlyMap<string, string>): ConfigSource {
    return readSource(this.paths, this.env, [], texts);
  }

  private readNow(looked: string[]): DiskState {
    try {
      const source = readSource(this.paths, this.env, looked);
      return { text: source.text, exists: source.exists, source, error: null };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { text: this.textOrNothing(), exists: true, source: null, error };
    }
  }

  private textOrNothing(): string {
    try {
      return readTextFile(this.paths.path, LIMITS.configFileBytes)?.text ?? "";
    } catch {
      return "";
    }
  }
}

const stampOf = (files: readonly string[]): string => files.map(fileStamp).join("|");
