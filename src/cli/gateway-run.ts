import type { GatewayConfig } from "../../generated/config.ts";
import type { Config } from "../config/config.ts";
import type { PartialConfig } from "../config/effective.ts";
import { ConfigRestart } from "../gateway/config-restart.ts";
import { loadWithToken, type NewToken } from "../gateway/first-start.ts";
import { checkStart, type OpenGateway, openGateway } from "../gateway/open.ts";
import { createLog } from "../logs/create.ts";
import type { Log } from "../platform/log.ts";
import { isLogLevel } from "../platform/log-record.ts";
import { releaseCodePages } from "../platform/release-pages.ts";
import { OWN_VERSION } from "../protocol/version.ts";
import { EXIT, type Invocation } from "./command.ts";
import { CliFailure } from "./failure.ts";
import type { Io } from "./io.ts";
import type { Options } from "./options.ts";
import { givenSecret } from "./secret-file.ts";
import { Signals } from "./signals.ts";
import { explainStart } from "./start-failure.ts";

/** Options of upstream that scripts may pass and that this gateway has no use for. */
const IGNORED = [
  "ws-log",
  "compact",
  "ambient-channels",
  "dev-ambient-channels",
  "cli-backend-logs",
  "claude-cli-logs",
];

/** Until then what only the start needed has run. */
const SETTLED_MS = 1000;

/**
 * Runs the gateway until a signal ends it: SIGTERM, SIGINT and SIGHUP stop it, SIGUSR2 starts it again in the same
 * process (docs: cli/gateway/running). A second SIGTERM or SIGINT does not wait for anything.
 */
export async function run(invocation: Invocation): Promise<number> {
  const signals = new Signals();
  try {
    while ((await runOnce(invocation, signals)) === "restart") invocation.io.out("Starting again.");
    return EXIT.ok;
  } catch (error) {
    throw explainStart(error, invocation.program);
  } finally {
    signals.close();
  }
}

async function runOnce({ options, io, env, program }: Invocation, signals: Signals): Promise<"stop" | "restart"> {
  const { config, made, restored } = await loadWithToken({ env, given: givenConfig(options) });
  requireLocal(config, options);
  refuseTailscale(options);
  const level = options.text("log-level");
  const log = createLog({ config, verbose: options.flag("verbose"), ...(isLogLevel(level) && { level }) });
  const unwatch = reportStrays(log);
  try {
    for (const name of IGNORED.filter((each) => options.given(each))) log.warn(`--${name} has no effect here`);
    if (restored) log.warn(`Config auto-restored from backup: ${config.path} (${restored.reason})`, { ...restored });
    for (const warning of config.warnings) log.warn("the configuration has something odd", { ...warning });
    const gateway = await openGateway({ config, log, force: options.flag("force") });
    greet(io, { gateway, config, made, program });
    log.info("the gateway is ready", { url: gateway.url, pid: process.pid, version: OWN_VERSION });
    const trim = setTimeout(releaseCodePages, SETTLED_MS);
    const { runs, restarts } = gateway.services;
    const configRestart = new ConfigRestart({
      config,
      busy: () => runs.atWork + runs.waiting,
      check: checkStart,
      restart: () => signals.restart("a change of the config file"),
      log,
    });
    const endRestarts = restarts.servedBy((reason) => signals.restart(`a request for a restart: ${reason}`));
    const { signal, action } = await signals.next(config.current.commands?.restart !== false);
    configRestart.close();
    endRestarts();
    log.info(`received ${signal}; ${action === "restart" ? "starting again" : "stopping"}`);
    clearTimeout(trim);
    await gateway.stop();
    log.info("the gateway has stopped");
    return action;
  } finally {
    unwatch();
    await log.close();
  }
}

/** What the command line says over the config file. */
function givenConfig(options: Options): PartialConfig {
  const port = options.integer("port", { min: 1, max: 65535 });
  const bind = options.text("bind") as GatewayConfig["gateway"]["bind"] | undefined;
  const mode = options.text("auth") as GatewayConfig["gateway"]["auth"]["mode"] | undefined;
  const token = options.text("token");
  const password = givenSecret(options, "password");
  const auth = {
    ...(mode && { mode }),
    ...(token !== undefined && { token }),
    ...(password !== undefined && { password }),
  };
  return { gateway: { ...(port !== undefined && { port }), ...(bind && { bind }), auth } } as PartialConfig;
}

function requireLocal({ current, path }: Config, options: Options): void {
  if (current.gateway.mode === "local" || options.flag("allow-unconfigured")) return;
  throw new CliFailure(`gateway.mode is ${current.gateway.mode}: this machine uses a gateway elsewhere.`, {
    hints: [`Set gateway.mode to local in ${path}, or pass --allow-unconfigured.`],
    exitCode: EXIT.config,
  });
}

/** Silently not being reachable, or being reachable otherwise than asked for, would be worse than not starting. */
function refuseTailscale(options: Options): void {
  const mode = options.text("tailscale");
  if (mode === undefined || mode === "off") return;
  throw new CliFailure(`--tailscale ${mode} is not supported.`, {
    hints: ["Run `tailscale serve` yourself, or listen on the Tailscale address with --bind tailnet."],
  });
}

interface Greeting {
  gateway: OpenGateway;
  config: Config;
  made: NewToken | null;
  program: string;
}

/** Said in one piece, so that whoever reads it along has all of it. */
function greet(io: Io, { gateway, config, made, program }: Greeting): void {
  const { bind, auth } = config.current.gateway;
  const lines = [
    `Chela ${OWN_VERSION} listens on ${gateway.url} (bind ${bind}, auth ${auth.mode}, pid ${process.pid}).`,
    `State: ${config.stateDir}`,
  ];
  if (made) {
    const self = Bun.isStandaloneExecutable && process.argv0.includes("/") ? process.argv0 : program;
    lines.push(
      `\nA token for clients was made and stored in ${made.file}. It is shown only this once:\n\n  ${made.token}\n`,
      `Next: ${self} agent --message "Hello"   (in another terminal; it finds the token by itself)`,
    );
  }
  io.out(lines.join("\n"));
}

/** Mistakes that nobody caught are written down; they do not end the gateway. Returns the function that ends this. */
function reportStrays(log: Log): () => void {
  const report = (kind: string) => (error: unknown) => log.error(`an ${kind} was not handled`, { error });
  const rejection = report("asynchronous error");
  const exception = report("error");
  process.on("unhandledRejection", rejection);
  process.on("uncaughtException", exception);
  return () => {
    process.off("unhandledRejection", rejection);
    process.off("uncaughtException", exception);
  };
}
