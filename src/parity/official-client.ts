import { createPublicKey, sign } from "node:crypto";
import { GatewayClient, type GatewayClientOptions } from "@openclaw/gateway-client";
import { deviceIdentity, privateKeyOf } from "./device.ts";

// Runs under Bun and, with its types stripped, under Node; so it is written without syntax that needs a compiler.

/** An event as the client hands it out. */
export interface OfficialEvent {
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: payloads of every event
  payload?: any;
}

/** Device tokens that the client was given, by role. */
export type TokenStore = Map<string, { token: string; scopes: string[] }>;

export const OPERATOR_SCOPES: string[] = ["operator.admin", "operator.read", "operator.write", "operator.pairing"];

const WAIT_MS = 15_000;

/** The client that the OpenClaw project publishes, with its callbacks turned into things to wait for. */
export class OfficialClient {
  readonly events: OfficialEvent[] = [];
  // biome-ignore lint/suspicious/noExplicitAny: the package's own type lacks what its hello carries
  readonly hellos: any[] = [];
  readonly closes: { code: number; reason: string }[] = [];
  readonly failures: Error[] = [];
  private readonly client: GatewayClient;
  private readonly checks = new Set<() => void>();

  constructor(options: GatewayClientOptions) {
    const note = <T>(list: T[], item: T): void => {
      list.push(item);
      for (const check of [...this.checks]) check();
    };
    this.client = new GatewayClient({
      minProtocol: 4,
      maxProtocol: 4,
      scopes: OPERATOR_SCOPES,
      caps: ["tool-events"],
      deviceIdentity: null,
      requestTimeoutMs: WAIT_MS,
      ...options,
      onEvent: (event) => note(this.events, event),
      onHelloOk: (hello) => note(this.hellos, hello),
      onConnectError: (error) => note(this.failures, error),
      onClose: (code, reason) => note(this.closes, { code, reason }),
    });
    this.client.start();
  }

  /** Connects and waits for hello. @throws the refusal */
  static async connect(options: GatewayClientOptions): Promise<OfficialClient> {
    const client = new OfficialClient(options);
    await client.until("hello", () => client.hellos.length > 0 || client.failures.length > 0);
    if (client.hellos.length > 0) return client;
    client.stop();
    throw client.failures[0];
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers of every method
  request(method: string, params: unknown = {}): Promise<any> {
    return this.client.request(method, params);
  }

  /** The first event that fits, among those already here or still to come. */
  event(name: string, fits: (payload: OfficialEvent["payload"]) => boolean = () => true): Promise<OfficialEvent> {
    return this.until(name, () => this.events.find(({ event, payload }) => event === name && fits(payload)));
  }

  /** Waits for something to become true of what has come. @throws Error when it does not within 15 seconds */
  until<T>(what: string, find: () => T | undefined | false): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.checks.delete(check);
      };
      const check = (): void => {
        const found = find();
        if (!found) return;
        finish();
        resolve(found);
      };
      const timer = setTimeout(() => {
        finish();
        const seen = this.events.map(({ event }) => event).join(", ");
        reject(new Error(`no ${what} within ${WAIT_MS} ms; errors: ${this.failures.join("; ")}; events: ${seen}`));
      }, WAIT_MS);
      this.checks.add(check);
      check();
    });
  }

  stop(): void {
    this.client.stop();
  }
}

/** What makes the client a device: one of the fixed identities, and a store for its tokens. */
export function asDevice(name: string, tokens: TokenStore): Partial<GatewayClientOptions> {
  const privateKey = privateKeyOf(name);
  return {
    clientName: "cli",
    mode: "cli",
    deviceIdentity: {
      deviceId: deviceIdentity(name).id,
      privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
      publicKeyPem: createPublicKey(privateKey).export({ type: "spki", format: "pem" }) as string,
    },
    hostDeps: {
      signDevicePayload: (pem, payload) => sign(null, Buffer.from(payload, "utf8"), pem).toString("base64url"),
      publicKeyRawBase64UrlFromPem: (pem) =>
        createPublicKey(pem).export({ format: "der", type: "spki" }).subarray(-32).toString("base64url"),
      loadDeviceAuthToken: ({ role }) => tokens.get(role) ?? null,
      storeDeviceAuthToken: ({ role, token, scopes }) => void tokens.set(role, { token, scopes }),
      clearDeviceAuthToken: ({ role }) => void tokens.delete(role),
    },
  };
}
