import type { GatewayConfig } from "../../generated/config.ts";
import type { ConfigSnapshot } from "../../generated/types.ts";
import { hooksProblems } from "../hooks/check.ts";
import { type Logger, silentLogger } from "../platform/logger.ts";
import { storedSecretReader } from "../secrets/stored-secrets.ts";
import { Disk, type DiskState } from "./disk.ts";
import { effectiveConfig, type PartialConfig } from "./effective.ts";
import { replaceFile } from "./file.ts";
import { Fingerprint } from "./fingerprint.ts";
import type { Tree } from "./json5.ts";
import { type ConfigPaths, configPaths, type EnvMap } from "./paths.ts";
import { ConfigError, type ConfigProblem, describeProblem, dotted } from "./problem.ts";
import { REDACTED } from "./redact.ts";
import { planReload, restartsByItself } from "./reload.ts";
import { mapSecrets, type SecretRef } from "./secret-places.ts";
import { SecretResolver, type Unresolved } from "./secret-refs.ts";
import { describeConfig } from "./snapshot.ts";
import type { ConfigSource } from "./source.ts";
import type { ConfigPort, ReloadState } from "./types.ts";
import { overlay, valueAt } from "./values.ts";
import { FileWatch, type WatchTimes } from "./watch.ts";

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

/** Gets the configuration that is wanted, and the keys in it that need a restart. */
export type RestartListener = (next: GatewayConfig, keys: readonly string[]) => void;

/** The configuration of one gateway: the file, read and checked, over the defaults; and what becomes of its changes. */
export class Config implements ConfigPort {
  private readonly fingerprint: Fingerprint;
  private readonly listeners = new Set<(next: GatewayConfig) => void>();
  private readonly restartListeners = new Set<RestartListener>();
  private log: Logger = silentLogger;
  private inForce: GatewayConfig;
  /** What the file says, of what is in force. */
  private applied: Tree;
  private watching: FileWatch | undefined;
  /** What {@link refresh} last looked at. */
  private judged: DiskState | undefined;
  private state: ReloadState = { waiting: [], problem: null };

  private constructor(
    private readonly paths: ConfigPaths,
    /** The file as it is now, whatever is in force. */
    readonly disk: Disk,
    private readonly secrets: SecretResolver,
    private source: ConfigSource,
    private given: PartialConfig,
  ) {
    this.fingerprint = new Fingerprint(paths.stateDir);
    this.applied = source.resolved;
    this.inForce = this.effective(this.applied, source);
  }

  /**
   * Reads the file, its includes and the state directory's `.env`, and the secrets that its references name in
   * variables and files. Commands are asked only for the gateway's own secrets; for the others when {@link watch}
   * begins. A missing file is no error.
   * @throws ConfigError with file, line and reason when something is wrong; the process should end with its exit code
   */
  static async load(options: ConfigOptions): Promise<Config> {
    const paths = configPaths(options.env, options);
    const disk = new Disk(paths, options.env);
    const { source, error } = disk.read();
    if (source === null) throw error;
    const secrets = new SecretResolver(paths.home, storedSecretReader(paths.stateDir));
    if (waitsForGatewaySecret(secrets, source.resolved, source)) {
      await secrets.ask(source.resolved, source.env, isGatewaySecret);
    }
    return new Config(paths, disk, secrets, source, options.given ?? {});
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

  /** The home directory that `~` in the file stands for. */
  get home(): string {
    return this.paths.home;
  }

  /** Name of the profile, undefined for the default one. */
  get profile(): string | undefined {
    return this.paths.profile;
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

  get reload(): ReloadState {
    return this.state;
  }

  /** What `config.get` answers: the file as it is now. */
  snapshot(): ConfigSnapshot {
    const { path, fingerprint, applied, state } = this;
    return describeConfig({ path, disk: this.disk.read(), applied, fingerprint, restored: state.restored });
  }

  /** Notes that the file was put back before it was read, for as long as this process runs. */
  noteRestored(reason: string): void {
    this.state = { ...this.state, restored: reason };
  }

  /**
   * Reads the files as if some had other texts, and whether the gateway could start with that.
   * @throws ConfigError when it could not
   */
  tryOut(texts: ReadonlyMap<string, string>): ConfigSource {
    const draft = this.disk.draft(texts);
    this.effective(draft.resolved, draft);
    return draft;
  }

  /** Takes over what this process has written, and keeps a copy of it. */
  written(): void {
    this.refresh();
    this.keepLastGood();
  }

  /** References of the configuration in force that have no value. */
  unresolvedSecrets(): Unresolved[] {
    return this.secrets.resolve(this.applied, this.source.env).unresolved;
  }

  /** The references of the configuration in force with their values; undefined for one that has none. */
  referencedSecrets(): { names: readonly string[]; value: string | number | undefined }[] {
    const places: (readonly string[])[] = [];
    mapSecrets(this.applied, {
      value: (value) => value,
      reference: (ref, names) => {
        places.push([...names]);
        return ref;
      },
    });
    const { tree } = this.secrets.resolve(this.applied, this.source.env);
    return places.map((names) => {
      const value = valueAt(tree, names);
      return { names, value: typeof value === "string" || typeof value === "number" ? value : undefined };
    });
  }

  /** The value behind a reference that stands elsewhere, by the providers of the configuration in force. */
  readSecret(ref: SecretRef): Promise<{ value: string } | { reason: string }> {
    return this.secrets.one(ref, this.applied, this.source.env);
  }

  /** Whether the configuration in force refers to an entry of the shared store of secrets. */
  refersToStored(name: string): boolean {
    return this.secrets.refersToStored(this.applied, name);
  }

  /**
   * Resolves every reference again and takes over what has changed. Returns how many have no value.
   * @throws ConfigError when the gateway's own secret has none; what was in force stays
   */
  async reloadSecrets(): Promise<number> {
    this.secrets.forget();
    await this.secrets.ask(this.applied, this.source.env);
    const next = this.effective(this.applied, this.source);
    const isNew = !Bun.deepEquals(next, this.inForce);
    this.inForce = next;
    if (isNew) this.tell();
    return this.unresolvedSecrets().length;
  }

  /** Lays more over the file, such as a secret that was generated; as lasting as the command line's arguments. */
  give(more: PartialConfig): void {
    this.given = overlay(this.given, more) as PartialConfig;
    this.inForce = this.effective(this.applied, this.source);
    this.tell();
  }

  /**
   * Follows the file from now on: takes over what may change while the gateway runs, notes what waits for a restart,
   * and keeps the configuration in force when the file cannot be used. Also keeps a copy of the file that the gateway
   * has started with beside it, under the name that upstream's repair command looks for.
   */
  watch(log: Logger, times: WatchTimes = {}): void {
    this.log = log.child("reload");
    this.keepLastGood();
    this.askForSecrets();
    this.watching ??= new FileWatch(
      this.path,
      () => this.disk.stamp,
      () => this.refresh(),
      times,
    );
  }

  /** Ends {@link watch}. */
  close(): void {
    this.watching?.close();
    this.watching = undefined;
  }

  /** Compares the file with what is in force and takes over what may be; what {@link watch} does after a change. */
  refresh(): void {
    const found = this.disk.read();
    if (found === this.judged) return;
    this.judged = found;
    try {
      const { source, error } = found;
      if (source === null) throw error;
      if (!source.exists && this.source.exists) {
        throw new ConfigError([{ file: this.path, path: "", reason: "does not exist any more" }]);
      }
      this.takeOver(source);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.state = { ...this.state, problem: error.problems.map(withoutFile).join("; ") };
      this.log.warn("the changed config file cannot be used; the configuration before it stays in force", {
        problems: error.problems.map(describeProblem),
      });
    }
  }

  private takeOver(source: ConfigSource): void {
    const { tree, changed, waiting } = planReload(this.applied, source.resolved);
    if (waitsForGatewaySecret(this.secrets, tree, source)) {
      void this.secrets.ask(tree, source.env, isGatewaySecret).then(() => {
        this.judged = undefined;
        this.refresh();
      });
      return;
    }
    const next = this.effective(tree, source);
    const wasBroken = this.state.problem !== null;
    this.source = source;
    this.state = { ...this.state, waiting, problem: null };
    if (changed.length === 0) {
      if (wasBroken) this.log.info("the config file can be used again; it says what is in force");
      return;
    }
    this.log.info("the config file changed", { changed: changed.length - waiting.length, keys: changed });
    if (waiting.length > 0) this.log.warn("some changes of the config file wait for a restart", { keys: waiting });
    if (waiting.length < changed.length) {
      this.applied = tree;
      this.inForce = next;
      this.tell();
      this.askForSecrets();
    }
    if (waiting.length > 0 && restartsByItself(source.resolved)) this.wantRestart(source, waiting);
  }

  private wantRestart(source: ConfigSource, keys: readonly string[]): void {
    const wanted = this.effective(source.resolved, source);
    for (const listener of this.restartListeners) listener(wanted, keys);
  }

  /** The configuration with secrets in the place of references. @throws ConfigError when the gateway's own has none */
  private effective(applied: Tree, source: ConfigSource): GatewayConfig {
    const { tree, unresolved } = this.secrets.resolve(applied, source.env);
    const missing = new Map(source.unset.map((problem) => [problem.path, problem]));
    for (const { names, reason } of unresolved) {
      missing.set(dotted(names), { ...source.locate(names), reason: `secret reference without a value: ${reason}` });
    }
    const config = effectiveConfig(tree, source.env, this.given, missing);
    const problems = hooksProblems(config);
    if (problems.length === 0) return config;
    throw new ConfigError(problems.map(({ path, ...problem }) => ({ ...source.locate(path), ...problem })));
  }

  /** Asks the commands behind references in the background and takes over what they answer. */
  private askForSecrets(): void {
    const { applied, source } = this;
    const { unresolved } = this.secrets.resolve(applied, source.env);
    if (unresolved.some(({ isPending }) => isPending)) {
      void this.secrets.ask(applied, source.env).then(() => {
        if (this.watching === undefined) return;
        this.inForce = this.effective(this.applied, this.source);
        this.tell();
        this.reportSecrets();
      });
    } else this.reportSecrets();
  }

  private reportSecrets(): void {
    const { unresolved } = this.secrets.resolve(this.applied, this.source.env);
    for (const { names, reason } of unresolved) {
      this.log.warn("a secret reference has no value; what needs it will not work", { key: dotted(names), reason });
    }
  }

  private keepLastGood(): void {
    const { text, exists } = this.source;
    if (!exists || text.includes(REDACTED)) return;
    try {
      replaceFile(`${this.path}.last-good`, text);
    } catch (error) {
      this.log.warn("no copy of the config file could be kept", { error });
    }
  }

  onChange(listener: (next: GatewayConfig) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Told of changes that need a restart, where `gateway.reload.mode` lets them have one. */
  onRestartNeeded(listener: RestartListener): () => void {
    this.restartListeners.add(listener);
    return () => this.restartListeners.delete(listener);
  }

  private tell(): void {
    for (const listener of this.listeners) {
      try {
        listener(this.inForce);
      } catch (error) {
        this.log.error("a listener to configuration changes failed", { error });
      }
    }
  }
}

/** What is wrong, for those who may not see paths of this machine. */
const withoutFile = ({ line, path, reason, hint }: ConfigProblem): string =>
  `${line === undefined ? "" : `line ${line}: `}${describeProblem({ path, reason, hint })}`;

/** Without these nobody can be let in, so they are waited for. */
const isGatewaySecret = (names: readonly string[]): boolean => names[0] === "gateway";

function waitsForGatewaySecret(secrets: SecretResolver, tree: Tree, { env }: ConfigSource): boolean {
  return secrets.resolve(tree, env).unresolved.some(({ names, isPending }) => isPending && isGatewaySecret(names));
}
