import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Config, type ConfigOptions } from "./config.ts";
import { ConfigError } from "./problem.ts";

/** A directory with config files in it, removed with `using`. */
export class ConfigFolder implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "chela-config-"));
  readonly file = join(this.folder, "openclaw.json");

  constructor(files: Record<string, string> = {}) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  load(options: Partial<ConfigOptions> = {}): Promise<Config> {
    return Config.load({ env: {}, stateDir: this.folder, ...options });
  }

  /** What is wrong with the configuration. @throws when it loads */
  async problems(options: Partial<ConfigOptions> = {}): Promise<ConfigError["problems"]> {
    return (await this.error(options)).problems;
  }

  async error(options: Partial<ConfigOptions> = {}): Promise<ConfigError> {
    try {
      await this.load(options);
    } catch (error) {
      if (error instanceof ConfigError) return error;
      throw error;
    }
    throw new Error("the configuration loads");
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
