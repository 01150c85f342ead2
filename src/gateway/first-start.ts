import { Config, type ConfigOptions } from "../config/config.ts";
import { type Restored, restoreClobbered } from "../config/restore.ts";
import { secretToken } from "../platform/ids.ts";
import { createPrivateFile } from "../platform/private-file.ts";
import { storedOrNewToken } from "./stored-token.ts";

/** A token that was made just now, to be shown this once. */
export interface NewToken {
  token: string;
  /** The file that holds it. */
  file: string;
}

/** What a gateway starts with. */
export interface Loaded {
  config: Config;
  /** The token when it is new. */
  made: NewToken | null;
  /** Set when the config file had been clobbered and was put back. */
  restored: Restored | null;
}

/**
 * Loads the configuration, put back where it was clobbered, and gives a gateway without a secret one of its own. Where there is no config file yet, the
 * smallest one is written, as upstream's setup does, so that every client of this machine finds the token there; an
 * operator's file is left alone and the token is kept in the state directory.
 * @throws ConfigError when the configuration cannot be used
 */
export async function loadWithToken(options: ConfigOptions): Promise<Loaded> {
  const restored = restoreClobbered(options, Date.now());
  const loaded = await load(options);
  if (restored !== null) loaded.config.noteRestored(restored.reason);
  return { ...loaded, restored };
}

async function load(options: ConfigOptions): Promise<Omit<Loaded, "restored">> {
  const config = await Config.load(options);
  const { mode, token } = config.current.gateway.auth;
  if (mode !== "token" || token !== undefined) return { config, made: null };
  if (!config.exists && !options.env.OPENCLAW_CONFIG_READONLY) {
    const first = secretToken();
    if (writeFirstConfig(config.path, first)) {
      return { config: await Config.load(options), made: { token: first, file: config.path } };
    }
  }
  const stored = storedOrNewToken(config.stateDir);
  config.give({ gateway: { auth: { token: stored.token } } });
  return { config, made: stored.isNew ? { token: stored.token, file: stored.file } : null };
}

/** False when somebody else wrote one meanwhile, or nothing can be written there. */
function writeFirstConfig(path: string, token: string): boolean {
  const first = { gateway: { mode: "local", auth: { mode: "token", token } } };
  try {
    return createPrivateFile(path, `${JSON.stringify(first, null, 2)}\n`);
  } catch {
    return false;
  }
}
