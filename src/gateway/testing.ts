import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GatewayConfig } from "../../generated/config.ts";
import type { Handlers } from "../../generated/handlers.ts";
import { Config, type ConfigOptions } from "../config/config.ts";
import { overlay } from "../config/values.ts";
import { guards, handlers } from "../methods/index.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError } from "../platform/errors.ts";
import { type Logger, silentLogger } from "../platform/logger.ts";
import { eventProblem, resultProblem } from "../protocol/contract.ts";
import { deviceIdOf, type ProofVersion, proofText } from "../protocol/device-proof.ts";
import { Store } from "../store/store.ts";
import { createAuthorizer } from "./auth/authorizer.ts";
import type { Authorizer } from "./authorizer.ts";
import type { CallContext } from "./context.ts";
import { Gateway, type GatewayLimits } from "./server.ts";
import { prepareServices, stopServices } from "./service-life.ts";
import { createServices, type Services } from "./services.ts";

/** The token of every test gateway unless its config says otherwise. */
export const TEST_TOKEN = "test-token-0123456789";

export const ALL_SCOPES = [
  "operator.admin",
  "operator.read",
  "operator.write",
  "operator.approvals",
  "operator.pairing",
  "operator.questions",
  "operator.talk",
  "operator.talk.secrets",
];

export interface TestGatewayOptions {
  /** Laid over the defaults and the test token, key by key. */
  config?: Partial<GatewayConfig>;
  clock?: Clock;
  log?: Logger;
  limits?: Partial<GatewayLimits>;
  /** Reuses the state of an earlier gateway instead of a fresh directory, which is then not removed. */
  stateDir?: string;
  /** Where to listen; any free port unless told. */
  port?: number;
  /** Replaces single handlers of the product. */
  handlers?: Partial<Handlers<CallContext>>;
  /** Replaces the authorizer of the product. */
  authorizer?: Authorizer;
  /** Runs before the gateway listens, with its services. */
  prepare?(services: Services): void | Promise<void>;
}

export interface TestGateway {
  /** `ws://127.0.0.1:port` */
  url: string;
  httpUrl: string;
  token: string;
  services: Services;
  gateway: Gateway;
  stateDir: string;
  /** Opens a socket and connects, by default as `gateway-client`/`backend` with every scope. @throws when refused */
  connect(spec?: ConnectSpec): Promise<TestClient>;
  /** Opens a socket and does nothing more than collect what comes. */
  open(init?: { headers?: Record<string, string> }): Promise<TestClient>;
  /** Stops everything and removes the state directory. @throws when an answer or event broke the contract meanwhile */
  stop(): Promise<void>;
}

/**
 * A whole gateway on a free loopback port with a state directory of its own. Every answer and event is held against
 * its spec while it runs; `stop` throws when one did not match.
 */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), "chela-test-"));
  const config = await testConfig(stateDir, options.config);
  const store = Store.open(join(stateDir, "chela.sqlite"));
  const violations = new Set<string>();
  const note = (problem: string | null): void => {
    if (problem !== null) violations.add(problem);
  };
  const services = createServices({ store, config, log: options.log ?? silentLogger, clock: options.clock });
  await prepareServices(services);
  await options.prepare?.(services);
  const gateway = Gateway.start({
    services,
    handlers: { ...handlers, ...options.handlers },
    guards,
    authorizer: options.authorizer ?? createAuthorizer(services),
    host: "127.0.0.1",
    port: options.port ?? 0,
    limits: { closeGraceMs: 200, ...options.limits },
    verify: {
      answer: (method, payload, phase) => note(resultProblem(method, overTheWire(payload), phase)),
      event: (event, payload) => note(eventProblem(event, overTheWire(payload))),
    },
  });
  const clients: TestClient[] = [];
  let stopped = false;
  const open = async (init?: { headers?: Record<string, string> }): Promise<TestClient> => {
    const client = await TestClient.open(gateway.url, init);
    clients.push(client);
    return client;
  };
  const token = config.current.gateway.auth.token ?? TEST_TOKEN;
  return {
    url: gateway.url,
    httpUrl: gateway.url.replace("ws:", "http:"),
    token,
    services,
    gateway,
    stateDir,
    open,
    async connect(spec = {}) {
      const { headers, ...params } = spec;
      const client = await open({ headers });
      await client.hello({ auth: { token }, ...params });
      return client;
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      await stopServices(services);
      await gateway.stop();
      for (const client of clients) client.close();
      await store.close();
      if (options.stateDir === undefined) rmSync(stateDir, { recursive: true, force: true });
      if (violations.size > 0) {
        throw new Error(`answers or events broke the contract:\n${[...violations].join("\n")}`);
      }
    },
  };
}

/** A payload as its receiver sees it: without undefined fields, with null for nothing. */
const overTheWire = (payload: unknown): unknown => (payload === undefined ? null : JSON.parse(JSON.stringify(payload)));

/** Where the log of a test gateway lies. */
export const logOf = (stateDir: string): string => join(stateDir, "gateway.log");

/** A config file of the test's own, read as the product reads one. */
async function testConfig(stateDir: string, overrides: Partial<GatewayConfig> = {}): Promise<Config> {
  const file = join(stateDir, "openclaw.json");
  writeFileSync(file, JSON.stringify(overlay({ gateway: { auth: { mode: "token", token: TEST_TOKEN } } }, overrides)));
  // The usual log is the machine's: others write to it and read from it.
  const given = { logging: { file: overrides.logging?.file ?? logOf(stateDir) } } as ConfigOptions["given"];
  return Config.load({ env: {}, path: file, stateDir, given });
}

export interface ConnectSpec {
  minProtocol?: number;
  maxProtocol?: number;
  client?: Record<string, unknown>;
  role?: string;
  scopes?: string[];
  caps?: string[];
  auth?: Record<string, unknown>;
  device?: Record<string, unknown>;
  /** Proves this device: signs the challenge, with version 3 unless told otherwise. Laid under `device`. */
  identity?: TestDevice;
  proofVersion?: ProofVersion;
  commands?: string[];
  permissions?: Record<string, boolean>;
  pathEnv?: string;
  modelCatalog?: Record<string, unknown>;
  /** Headers of the upgrade request, for instance Origin. */
  headers?: Record<string, string>;
}

/** What came in a frame, or a part of it: tests look into payloads of every method. */
// biome-ignore lint/suspicious/noExplicitAny: they expect its parts where they look at them
export type Payload = any;

/** A frame as it came over the wire. */
export interface Frame {
  type: string;
  id?: string | number;
  ok?: boolean;
  payload?: Payload;
  error?: Payload;
  event?: string;
  seq?: number;
  stateVersion?: { presence: number; health: number };
}

/** A client that shows its tests everything: raw frames, events, the close. */
export class TestClient {
  readonly frames: Frame[] = [];
  closed: { code: number; reason: string } | undefined;
  helloPayload: Payload;
  private readonly watchers = new Set<() => void>();
  private nextId = 0;

  private constructor(readonly socket: WebSocket) {
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      this.take(JSON.parse(String(data)));
    };
    socket.onclose = ({ code, reason }) => {
      this.closed = { code, reason };
      for (const watchers of this.answerWatchers.values()) for (const watcher of [...watchers]) watcher();
      this.wake();
    };
  }

  /** Opens the socket and waits for the challenge. */
  static async open(url: string, init?: { headers?: Record<string, string> }): Promise<TestClient> {
    const client = new TestClient(new WebSocket(url, init as unknown as string));
    await client.until(() => client.events("connect.challenge").length > 0);
    return client;
  }

  get challenge(): { nonce: string; ts: number } {
    return this.events("connect.challenge")[0]!.payload;
  }

  /** Events that have come, all or those of one name. */
  events(name?: string): Frame[] {
    return this.frames.filter((frame) => frame.type === "event" && (name === undefined || frame.event === name));
  }

  /** Connects. @throws GatewayError with what the gateway answered */
  async hello(spec: ConnectSpec = {}): Promise<Payload> {
    const { client, role = "operator", identity, proofVersion, device, ...others } = spec;
    const params = {
      minProtocol: 4,
      maxProtocol: 4,
      client: { id: "gateway-client", version: "1.0.0", platform: "linux", mode: "backend", ...client },
      role,
      scopes: role === "operator" ? ALL_SCOPES : [],
      caps: ["tool-events"],
      ...others,
    };
    const proof = identity && { ...identity.prove(params, this.challenge, { version: proofVersion }), ...device };
    const answer = await this.request("connect", { ...params, ...((proof ?? device) && { device: proof ?? device }) });
    if (!answer.ok) throw new GatewayError(answer.error.code, answer.error.message, answer.error);
    this.helloPayload = answer.payload;
    return answer.payload;
  }

  /** The payload of the answer. Two-phase methods: of the first one. @throws GatewayError */
  async call(method: string, params: unknown = {}): Promise<Payload> {
    const answer = await this.request(method, params);
    if (!answer.ok) throw new GatewayError(answer.error.code, answer.error.message, answer.error);
    return answer.payload;
  }

  /** Sends a request and gives the whole answer frame, whatever it says. */
  request(method: string, params?: unknown): Promise<Frame> {
    const id = `r${++this.nextId}`;
    this.send({ type: "req", id, method, ...(params !== undefined && { params }) });
    return this.answer(id);
  }

  /** The `nth` answer to a request id, counted from 0. @throws when the socket closes first */
  answer(id: string, nth = 0): Promise<Frame> {
    return this.until(() => this.answers.get(id)?.[nth], this.watchersOf(id));
  }

  private readonly answers = new Map<string | number, Frame[]>();
  private readonly answerWatchers = new Map<string | number, Set<() => void>>();

  private watchersOf(id: string | number): Set<() => void> {
    const watchers = this.answerWatchers.get(id) ?? new Set();
    this.answerWatchers.set(id, watchers);
    return watchers;
  }

  private take(frame: Frame): void {
    this.frames.push(frame);
    if (frame.type === "res" && frame.id !== undefined) {
      const known = this.answers.get(frame.id);
      if (known) known.push(frame);
      else this.answers.set(frame.id, [frame]);
      for (const watcher of [...(this.answerWatchers.get(frame.id) ?? [])]) watcher();
    }
    this.wake();
  }

  /** The first event of that name from now on, or among those already here with `from: 0`. */
  event(name: string, where: (payload: Frame["payload"]) => boolean = () => true, from = 0): Promise<Frame> {
    return this.until(() => this.frames.slice(from).find((frame) => frame.event === name && where(frame.payload)));
  }

  send(value: unknown): void {
    this.socket.send(typeof value === "string" || value instanceof Uint8Array ? value : JSON.stringify(value));
  }

  /** Waits for a condition over frames and close. @throws when the socket closes first */
  async until<T>(condition: () => T | undefined | false, watchers = this.watchers): Promise<T> {
    for (;;) {
      const value = condition();
      if (value !== undefined && value !== false) return value;
      if (this.closed) throw new Error(`closed ${this.closed.code} ${this.closed.reason}`);
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
      });
    }
  }

  /** How the socket ended. */
  async ended(): Promise<{ code: number; reason: string }> {
    while (this.closed === undefined) {
      await new Promise<void>((resolve) => this.watchers.add(resolve));
    }
    return this.closed;
  }

  close(): void {
    if (this.closed === undefined) this.socket.close();
  }

  private wake(): void {
    for (const watcher of [...this.watchers]) watcher();
  }
}

interface ProvenParams {
  client: Record<string, unknown>;
  role: string;
  scopes?: readonly string[];
  auth?: Record<string, unknown>;
}

/** A device with a key of its own, made anew for each test. */
export class TestDevice {
  private readonly keys = generateKeyPairSync("ed25519");
  readonly publicKey = this.keys.publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("base64url");
  readonly id = deviceIdOf(Buffer.from(this.publicKey, "base64url"));

  sign(text: string): string {
    return sign(null, Buffer.from(text), this.keys.privateKey).toString("base64url");
  }

  /** The `device` block for these parameters, or for others than those that are sent. */
  prove(
    { client, role, scopes = [], auth = {} }: ProvenParams,
    challenge: { nonce: string; ts: number },
    { version = "v3" as ProofVersion | undefined, signedAt = challenge.ts, nonce = challenge.nonce } = {},
  ): Record<string, unknown> {
    const text = proofText(version ?? "v3", {
      deviceId: this.id,
      clientId: String(client.id),
      clientMode: String(client.mode),
      role,
      scopes,
      signedAt,
      token: String(auth.token ?? auth.deviceToken ?? auth.bootstrapToken ?? ""),
      nonce,
      platform: client.platform as string | undefined,
      deviceFamily: client.deviceFamily as string | undefined,
    });
    return { id: this.id, publicKey: this.publicKey, signature: this.sign(text), signedAt, nonce };
  }
}

/** What a node host connects with, as a device of its own. */
export const nodeSpec = (identity = new TestDevice()): ConnectSpec => ({
  role: "node",
  client: { id: "node-host", mode: "node" },
  identity,
});
