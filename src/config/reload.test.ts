import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { GatewayConfig } from "../../generated/config.ts";
import type { Logger } from "../platform/logger.ts";
import { silentLogger } from "../platform/logger.ts";
import type { Config } from "./config.ts";
import { ConfigFolder } from "./testing.ts";
import { reloadClass } from "./values.ts";

describe("what is taken over while the gateway runs", () => {
  test.each([
    ["gateway.port", "restart"],
    ["gateway.bind", "restart"],
    ["gateway.auth.mode", "restart"],
    ["gateway.tls.certPath", "restart"],
    ["gateway.auth.token", "hot"],
    ["gateway.auth.rateLimit.maxAttempts", "hot"],
    ["gateway.trustedProxies", "hot"],
    ["gateway.reload.mode", "hot"],
    ["gateway.remote.url", "hot"],
    ["agents.entries.any.model", "hot"],
    ["models.providers.x.apiKey", "hot"],
    ["channels.telegram.enabled", "hot"],
    ["logging.level", "hot"],
    ["hooks.token", "hot"],
    ["cron.enabled", "hot"],
    ["session.reset.mode", "hot"],
    ["x-unknown.key", "hot"],
  ] as const)("%s: %s", (path, expected) => {
    expect(reloadClass(path.split("."))).toBe(expected);
  });

  test("hot keys apply at once, the others keep their value and are named", async () => {
    using folder = new ConfigFolder({ "openclaw.json": "{ gateway: { port: 1 }, logging: { level: 'info' } }" });
    const config = await folder.load();
    const heard: GatewayConfig[] = [];
    config.onChange((next) => heard.push(next));
    folder.write("openclaw.json", "{ gateway: { port: 2, auth: { token: 'new' } }, logging: { level: 'debug' } }");
    config.refresh();
    expect(heard).toHaveLength(1);
    expect(config.current).toBe(heard[0]!);
    expect(config.current).toMatchObject({ gateway: { port: 1, auth: { token: "new" } }, logging: { level: "debug" } });
    expect(config.reload).toEqual({ waiting: ["gateway.port"], problem: null });
    const { appliedConfigHash, configRevisionHash } = config.snapshot();
    expect(appliedConfigHash).not.toBe(configRevisionHash);

    folder.write("openclaw.json", "{ gateway: { port: 1, auth: { token: 'new' } }, logging: { level: 'debug' } }");
    config.refresh();
    expect(config.reload.waiting).toEqual([]);
    expect(config.snapshot()).toMatchObject({ appliedConfigHash, configRevisionHash: appliedConfigHash });
  });

  test("a section that goes takes only what is hot with it", async () => {
    using folder = new ConfigFolder({ "openclaw.json": "{ gateway: { port: 7, auth: { token: 'a' } } }" });
    const config = await folder.load();
    folder.write("openclaw.json", "{}");
    config.refresh();
    expect(config.current.gateway).toMatchObject({ port: 7 });
    expect(config.current.gateway.auth.token).toBeUndefined();
    expect(config.reload.waiting).toEqual(["gateway.port"]);
  });

  test("what the command line said stays", async () => {
    using folder = new ConfigFolder({ "openclaw.json": "{}" });
    const config = await folder.load({ given: { gateway: { auth: { token: "given" } }, logging: { level: "error" } } });
    folder.write("openclaw.json", "{ logging: { level: 'debug', consoleLevel: 'debug' } }");
    config.refresh();
    expect(config.current.logging).toMatchObject({ level: "error", consoleLevel: "debug" });
    expect(config.current.gateway.auth.token).toBe("given");
  });

  test("with gateway.reload.mode off nothing is taken over until it is back on", async () => {
    using folder = new ConfigFolder({ "openclaw.json": "{ logging: { level: 'info' } }" });
    const config = await folder.load();
    folder.write("openclaw.json", "{ logging: { level: 'debug' }, gateway: { reload: { mode: 'off' } } }");
    config.refresh();
    expect(config.current.logging.level).toBe("info");
    expect(config.current.gateway.reload.mode).toBe("off");
    expect(config.reload.waiting).toEqual(["logging.level"]);
    folder.write("openclaw.json", "{ logging: { level: 'debug' }, gateway: { reload: { mode: 'hybrid' } } }");
    config.refresh();
    expect(config.current.logging.level).toBe("debug");
    expect(config.reload.waiting).toEqual([]);
  });

  test("a listener that throws does not keep others from hearing", async () => {
    using folder = new ConfigFolder();
    const config = await folder.load();
    let heard = 0;
    config.onChange(() => {
      throw new Error("listener");
    });
    config.onChange(() => heard++);
    config.give({ logging: { level: "debug" } });
    expect(heard).toBe(1);
  });
});

describe("a file that cannot be used", () => {
  const said = (): { log: Logger; lines: string[] } => {
    const lines: string[] = [];
    const note = (message: string, fields?: unknown): void =>
      void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
    const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log };
    return { log, lines };
  };

  test.each([
    ["broken", "{ gateway: "],
    ["with a wrong type", "{ gateway: { port: 'x' } }"],
    ["with an unset variable as the gateway's secret", "{ gateway: { auth: { token: '${NOPE}' } } }"],
  ])("%s leaves the one before in force, and says so once", async (_name, text) => {
    using folder = new ConfigFolder({
      "openclaw.json": "{ gateway: { auth: { token: 'good' } }, logging: { level: 'warn' } }",
    });
    const config = await folder.load();
    const { log, lines } = said();
    config.watch(log, { pollMs: 1e6 });
    folder.write("openclaw.json", text);
    config.refresh();
    config.refresh();
    expect(config.current).toMatchObject({ gateway: { auth: { token: "good" } }, logging: { level: "warn" } });
    expect(config.reload.problem).toMatch(/^line 1: /);
    expect(config.reload.problem).not.toContain(folder.folder);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("cannot be used");
    folder.write("openclaw.json", "{ gateway: { auth: { token: 'good' } }, logging: { level: 'warn' } }");
    config.refresh();
    expect(config.reload.problem).toBeNull();
    expect(lines[1]).toContain("can be used again");
    config.close();
  });

  test("one that vanished counts as such", async () => {
    using folder = new ConfigFolder({ "openclaw.json": "{ logging: { level: 'warn' } }" });
    const config = await folder.load();
    unlinkSync(folder.file);
    config.refresh();
    expect(config.current.logging.level).toBe("warn");
    expect(config.reload.problem).toContain("does not exist any more");
  });

  test("one that appears where there was none is taken over", async () => {
    using folder = new ConfigFolder();
    const config = await folder.load();
    folder.write("openclaw.json", "{ logging: { level: 'warn' } }");
    config.refresh();
    expect(config.current.logging.level).toBe("warn");
  });
});

describe("watching", () => {
  const change = (config: Config): Promise<GatewayConfig> => new Promise((resolve) => config.onChange(resolve));
  const watched = async (folder: ConfigFolder, path?: string): Promise<Config> => {
    const config = await folder.load({ path });
    config.watch(silentLogger, { pollMs: 20, settleMs: 5 });
    return config;
  };

  test("sees a file written in place, replaced by rename, removed and made again", async () => {
    using folder = new ConfigFolder({ "openclaw.json": "{ logging: { level: 'info' } }" });
    const config = await watched(folder);
    for (const [level, write] of [
      ["warn", (text: string) => folder.write("openclaw.json", text)],
      ["error", (text: string) => renameSync(folder.write("draft", text), folder.file)],
      ["debug", (text: string) => renameSync(folder.write("draft", text), folder.file)],
      ["trace", (text: string) => [rmSync(folder.file), folder.write("openclaw.json", text)]],
    ] as const) {
      const next = change(config);
      write(`{ logging: { level: '${level}' } }`);
      expect((await next).logging.level).toBe(level);
    }
    config.close();
  });

  test("sees an included file, one that appears later, and the state directory's .env", async () => {
    using folder = new ConfigFolder({ "openclaw.json": "{ logging: { $include: 'l' } }", l: "{ level: 'info' }" });
    const config = await watched(folder);
    let next = change(config);
    folder.write("l", "{ level: '${LEVEL}', file: { $include: 'missing' } }");
    folder.write(".env", "LEVEL=warn");
    folder.write("missing", "'/x'");
    expect((await next).logging).toMatchObject({ level: "warn", file: "/x" });
    next = change(config);
    folder.write(".env", "LEVEL=error");
    expect((await next).logging.level).toBe("error");
    config.close();
  });

  test("sees a directory behind a link being turned to another one", async () => {
    using folder = new ConfigFolder();
    for (const [name, level] of [
      ["one", "info"],
      ["two", "warn"],
    ]) {
      mkdirSync(join(folder.folder, name!));
      folder.write(`${name}/openclaw.json`, `{ logging: { level: '${level}' } }`);
    }
    symlinkSync("one", join(folder.folder, "data"));
    const config = await watched(folder, join(folder.folder, "data/openclaw.json"));
    const next = change(config);
    symlinkSync("two", join(folder.folder, "data.new"));
    renameSync(join(folder.folder, "data.new"), join(folder.folder, "data"));
    expect((await next).logging.level).toBe("warn");
    config.close();
  });

  test("keeps a private copy of the file that the gateway started with", async () => {
    using folder = new ConfigFolder({ "openclaw.json": "{ logging: { level: 'info' } } // mine" });
    const config = await watched(folder);
    const copy = `${folder.file}.last-good`;
    expect(readFileSync(copy, "utf8")).toBe("{ logging: { level: 'info' } } // mine");
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    config.close();
  });

  test("but none of a file with redaction marks in the place of secrets", async () => {
    using folder = new ConfigFolder({ "openclaw.json": "{ hooks: { token: '__OPENCLAW_REDACTED__' } }" });
    const config = await watched(folder);
    expect(existsSync(`${folder.file}.last-good`)).toBe(false);
    config.close();
  });
});
