import type { GatewayConfig } from "../../generated/config.ts";
import type { SecretRef } from "./secret-places.ts";
import type { Unresolved } from "./secret-refs.ts";

/** What other domains ask of the configuration. Implemented by `config/config.ts`. */
export interface ConfigPort {
  /** The configuration in force, with defaults filled in and references resolved. Read it per use: it can be reloaded. */
  readonly current: GatewayConfig;
  /** Absolute path of `openclaw.json`. */
  readonly path: string;
  /** Absolute path of the state directory. */
  readonly stateDir: string;
  /** Hash of the file's content in force, as `config.get` shows it. */
  readonly hash: string;
  /** The variables that references see: those of the process, the state directory's `.env`, and `env.vars`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What became of changes of the file. Absent where nothing watches it. */
  readonly reload?: ReloadState;
  /** References of the configuration in force that have no value. */
  unresolvedSecrets?(): readonly Unresolved[];
  /** The value behind a secret reference that stands outside the configuration; a command behind it is asked. */
  readSecret?(ref: SecretRef): Promise<{ value: string } | { reason: string }>;
  onChange(listener: (next: GatewayConfig) => void): () => void;
}

/** How the configuration in force and the file on disk stand to each other. */
export interface ReloadState {
  /** Keys that changed in the file and stay as they are until the next start. */
  readonly waiting: readonly string[];
  /**
   * Why the file as it is now cannot be used; the configuration before it stays in force. Null when it can. Names line
   * and key, but no path of this machine.
   */
  readonly problem: string | null;
  /** Why the file was replaced by its last good copy at the start. */
  readonly restored?: string;
}
