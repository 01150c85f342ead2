import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { GatewayConfig } from "../../generated/config.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/problem.ts";
import { guards, handlers } from "../methods/index.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { makePrivateDirectory } from "../platform/private-file.ts";
import { Store } from "../store/store.ts";
import { createAuthorizer } from "./auth/authorizer.ts";
import { type BindPlan, bindPlan, hasShortSecret, isExposed, requireAuth } from "./bind.ts";
import { InstanceLock, takeOver } from "./instance-lock.ts";
import { Gateway, type GatewayOptions } from "./server.ts";
import { prepareServices, stopServices } from "./service-life.ts";
import { createServices, type Services } from "./services.ts";

export interface OpenOptions {
  config: Config;
  log: Logger;
  clock?: Clock;
  /** End the gateway that works on the state directory, instead of giving up. */
  force?: boolean;
}

/** A gateway at work. */
export interface OpenGateway {
  readonly url: string;
  readonly port: number;
  /** Others than this machine reach it. */
  readonly isExposed: boolean;
  readonly services: Services;
  /** Tells clients, lets go of runs, sockets and files, in this order. Resolves when everything is on disk. */
  stop(reason?: string): Promise<void>;
}

/** Milliseconds that the gateway before has to stop, when told by `force`. */
const TAKE_OVER_MS = 15_000;

/** What a configuration says of the listener. @throws ConfigError when a gateway must not start so */
export function checkStart(config: GatewayConfig): { plan: BindPlan; tls: GatewayOptions["tls"] } {
  const plan = bindPlan(config.gateway);
  requireAuth(plan, config);
  return { plan, tls: readTls(config.gateway.tls) };
}

/**
 * Puts a whole gateway together: lock, store, domains, transport. Whatever was opened is closed again when a later part
 * fails.
 * @throws ConfigError when the configuration does not allow it, AlreadyRunning, PortInUse
 */
export async function openGateway({ config, log, clock = systemClock, force }: OpenOptions): Promise<OpenGateway> {
  const { current, stateDir } = config;
  const { plan, tls } = checkStart(current);
  makePrivateDirectory(stateDir);
  if (hasShortSecret(current)) log.warn("the gateway's secret is short; choose one of 24 characters or more");
  if (isReadableByOthers(stateDir))
    log.warn("other users of this machine can look into the state directory", { stateDir });
  if (existsSync(config.path) && isReadableByOthers(config.path))
    log.warn("other users of this machine can read the config file and its secrets", { path: config.path });
  if (current.gateway.auth.mode === "none") log.warn("authentication is off: every process of this machine is let in");
  const startedAt = clock.now();
  const closers: (() => void | Promise<void>)[] = [];
  try {
    const lock = force ? await takeOver(stateDir, startedAt, TAKE_OVER_MS) : InstanceLock.take(stateDir, startedAt);
    closers.unshift(() => lock.release());
    const store = Store.open(join(stateDir, "chela.sqlite"));
    closers.unshift(() => store.close());
    const services = createServices({ store, config, log, clock });
    await prepareServices(services);
    const [host, ...moreHosts] = plan.hosts;
    const { port } = current.gateway;
    const authorizer = createAuthorizer(services);
    const gateway = listen({
      services,
      handlers,
      guards,
      authorizer,
      host,
      moreHosts,
      optionalHosts: plan.also,
      port,
      tls,
    });
    closers.unshift(() => gateway.stop());
    closers.unshift(() => stopServices(services));
    config.watch(log);
    closers.unshift(() => config.close());
    lock.note({ startedAt, url: gateway.url });
    return {
      url: gateway.url,
      port: gateway.port,
      isExposed: isExposed(plan),
      services,
      stop: () => closeAll(closers),
    };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** The port is taken. */
export class PortInUse extends Error {
  constructor(
    readonly host: string,
    readonly port: number,
  ) {
    super(`Port ${port} on ${host} is already in use.`);
    this.name = "PortInUse";
  }
}

function listen(options: GatewayOptions): Gateway {
  try {
    return Gateway.start(options);
  } catch (error) {
    if ((error as { code?: string }).code === "EADDRINUSE") throw new PortInUse(options.host, options.port);
    throw error;
  }
}

function isReadableByOthers(path: string): boolean {
  return process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0;
}

async function closeAll(closers: (() => void | Promise<void>)[]): Promise<void> {
  for (const close of closers.splice(0)) await close();
}

function readTls(tls: Config["current"]["gateway"]["tls"]): GatewayOptions["tls"] {
  if (!tls?.enabled) return undefined;
  return { cert: readPem(tls.certPath, "certPath"), key: readPem(tls.keyPath, "keyPath") };
}

function readPem(path: string | undefined, key: string): string {
  const fail = (reason: string): never => {
    throw new ConfigError([{ path: `gateway.tls.${key}`, reason }]);
  };
  if (!path) return fail("is needed when gateway.tls.enabled is true; certificates are not made here");
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    return fail(`cannot be read: ${(error as Error).message}`);
  }
}
