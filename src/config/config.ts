import type { GatewayConfig } from "../../generated/config.ts";
import { effectiveConfig, type PartialConfig } from "./effective.ts";
import { Fingerprint } from "./fingerprint.ts";
import { type ConfigPaths, configPaths, type EnvMap } from "./paths.ts";
import type { ConfigProblem } from "./problem.ts";
import { type ConfigSource, readSource } from "./source.ts";
import type { ConfigPort } from "./types.ts";
import { overlay } from "./values.ts";

export interface ConfigOptions {
  /** The process's environment. */
  env: EnvMap;
  /** Config file, instead of where the environment says. */
  path?: string;
  /** State directory, instead of where the environment says. */
  stateDir?: string;
  /** What the command line says; wins over the file, also over later versions of it. */
  given?: PartialConfig;
}

/** The configuration of one gateway: the file, read and checked, over the defaults. */
export class Config implements ConfigPort {
  private readonly fingerprint: Fingerprint;
  private readonly listeners = new Set<(next: GatewayConfig) => void>();
  private inForce: GatewayConfig;

  private constructor(
    private readonly paths: ConfigPaths,
    private source: ConfigSource,
    private given: PartialConfig,
  ) {
    this.fingerprint = new Fingerprint(paths.stateDir);
    this.inForce = effectiveConfig(source.resolved, source.env, given);
  }

  /**
   * Reads the file, its includes and the state directory's `.env`. A missing file is no error.
   * @throws ConfigError with file, line and reason when something is wrong; the process should end with its exit code
   */
  static async load(options: ConfigOptions): Promise<Config> {
    const paths = configPaths(options.env, options);
    return new Config(paths, readSource(paths, options.env), options.given ?? {});
  }

  get current(): GatewayConfig {
    return this.inForce;
  }

  get path(): string {
    return this.paths.path;
  }

  get stateDir(): string {
    return this.paths.stateDir;
  }

  /** Whether there is a file, or only defaults. */
  get exists(): boolean {
    return this.source.exists;
  }

  get env(): EnvMap {
    return this.source.env;
  }

  /** What is odd about the file in force but did not stop the start. */
  get warnings(): readonly ConfigProblem[] {
    return this.source.warnings;
  }

  get hash(): string {
    return this.fingerprint.of(this.source.text);
  }

  /** Lays more over the file, such as a secret that was generated; as lasting as the command line's arguments. */
  give(more: PartialConfig): void {
    this.given = overlay(this.given, more) as PartialConfig;
    this.apply();
  }

  onChange(listener: (next: GatewayConfig) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private apply(): void {
    this.inForce = effectiveConfig(this.source.resolved, this.source.env, this.given);
    for (const listener of this.listeners) listener(this.inForce);
  }
}
