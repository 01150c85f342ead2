import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../src/parity/gateway-process.ts";
import { recordingConfig } from "../../src/parity/recording-config.ts";
import { endProcess } from "./process.ts";

/** A server under measurement. */
export interface Running {
  url: string;
  token: string;
  pid: number;
  /** How much less work is enough to measure it, so that a slow server does not take an hour. */
  slowdown: number;
  /** What a command needs in its environment to find this server. */
  env: Record<string, string>;
  stop(): Promise<void>;
}

/** What can be started and measured. */
export interface Subject {
  name: "chela" | "bare" | "upstream";
  /** A server that takes ten seconds to start is not started ten times. */
  mostStarts: number;
  /** The words that run its command line, where it has one. */
  cli: string[];
  start(): Promise<Running>;
}

const TOKEN = "bench-token-0123456789";
const HOST = "127.0.0.1";

interface Launch {
  command: string[];
  env?: Record<string, string>;
  port: number;
  slowdown?: number;
  logFile: string;
}

function launch({ command, env = {}, port, slowdown = 1, logFile }: Launch): Running {
  const log = Bun.file(logFile);
  const whole = { ...cleanEnvironment(), ...env };
  const child = Bun.spawn(command, { env: whole, stdin: "ignore", stdout: log, stderr: log });
  return {
    url: `ws://${HOST}:${port}`,
    token: TOKEN,
    pid: child.pid,
    slowdown,
    env: whole,
    stop: () => endProcess(child),
  };
}

/** What a person's own settings and keys would change stays outside. */
function cleanEnvironment(): Record<string, string> {
  const { PATH = "", LANG = "C.UTF-8" } = process.env;
  return { PATH, LANG };
}

/** A home folder with a state directory and a config file in it. */
function home(folder: string, modelBaseUrl: string, port: number): { HOME: string; OPENCLAW_STATE_DIR: string } {
  const HOME = mkdtempSync(join(folder, "home-"));
  const OPENCLAW_STATE_DIR = join(HOME, ".openclaw");
  mkdirSync(OPENCLAW_STATE_DIR);
  const logging = { file: join(HOME, "gateway.log") };
  const config = { ...recordingConfig(modelBaseUrl, { token: TOKEN, port }), logging };
  writeFileSync(join(OPENCLAW_STATE_DIR, "openclaw.json"), JSON.stringify(config));
  return { HOME, OPENCLAW_STATE_DIR };
}

/** A folder for everything that the servers write, removed by the caller. */
export const workFolder = (): string => mkdtempSync(join(tmpdir(), "chela-bench-"));

/** Our executable with its defaults: database, defender, log. */
export function chela(binary: string, folder: string, modelBaseUrl: string): Subject {
  return {
    name: "chela",
    mostStarts: Number.POSITIVE_INFINITY,
    cli: [binary],
    async start() {
      const port = freePort();
      const env = home(folder, modelBaseUrl, port);
      return launch({ command: [binary, "gateway", "run"], env, port, logFile: join(env.HOME, "log") });
    },
  };
}

/** `bare.ts` as an executable. */
export function bare(binary: string, folder: string, answersFile: string, modelBaseUrl: string): Subject {
  return {
    name: "bare",
    mostStarts: Number.POSITIVE_INFINITY,
    cli: [binary],
    async start() {
      const port = freePort();
      const own = mkdtempSync(join(folder, "bare-"));
      const command = [binary, String(port), answersFile, join(own, "bare.sqlite"), modelBaseUrl];
      return launch({ command, port, logFile: join(own, "log") });
    },
  };
}

/**
 * An installed upstream.
 * @param directory a folder with `node_modules/openclaw`, and Node in `node_modules/node` or on the path
 * @throws Error when it is not installed there
 */
export function upstream(directory: string, folder: string, modelBaseUrl: string): Subject {
  const script = join(directory, "node_modules", "openclaw", "openclaw.mjs");
  if (!existsSync(script)) throw new Error(`no openclaw in ${directory}/node_modules`);
  const ownNode = join(directory, "node_modules", "node", "bin", "node");
  const node = existsSync(ownNode) ? ownNode : "node";
  return {
    name: "upstream",
    mostStarts: 2,
    cli: [node, script],
    async start() {
      const port = freePort();
      const env = { ...home(folder, modelBaseUrl, port), OPENCLAW_SKIP_CHANNELS: "1" };
      const command = [node, script, "gateway", "run", "--port", String(port)];
      return launch({ command, env, port, slowdown: 20, logFile: join(env.HOME, "log") });
    },
  };
}
