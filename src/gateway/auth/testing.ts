import { ALL_SCOPES, type ConnectSpec, startTestGateway, type TestClient, type TestGateway } from "../testing.ts";

export const CLI = { id: "cli", mode: "cli" } as const;
export const CONTROL_UI = { id: "openclaw-control-ui", mode: "ui" } as const;

/** Headers of a client elsewhere, as the trusted proxy of {@link startProxied} passes it on. */
export const from = (address: string): Record<string, string> => ({ "x-forwarded-for": address });
export const REMOTE = from("203.0.113.9");

type Options = NonNullable<Parameters<typeof startTestGateway>[0]>;
type GatewayPart = Record<string, unknown>;

/** A gateway that believes a proxy on this machine, so that tests can come from anywhere. */
export function startProxied(gateway: GatewayPart = {}, options: Omit<Options, "config"> = {}): Promise<TestGateway> {
  const config = { gateway: { trustedProxies: ["127.0.0.1"], ...gateway } } as unknown as Options["config"];
  return startTestGateway({ ...options, config });
}

export interface Refusal {
  error: {
    code: string;
    message: string;
    details?: Record<string, unknown>;
    retryable?: boolean;
    retryAfterMs?: number;
  };
  close: { code: number; reason: string };
}

/** How the gateway refuses a connect. The answer comes before the close. @throws when it accepts */
export async function refusal(gateway: TestGateway, { headers, ...spec }: ConnectSpec): Promise<Refusal> {
  const client = await gateway.open({ headers });
  const error = await client.hello({ auth: { token: gateway.token }, ...spec }).then(
    (hello) => {
      throw new Error(`accepted: ${JSON.stringify(hello.auth)}`);
    },
    (thrown) => thrown,
  );
  if (!("details" in error && typeof error.code === "string")) throw error;
  const close = await client.ended();
  const { code, message, details, retryable, retryAfterMs } = error;
  return {
    error: {
      code,
      message,
      ...(details && { details }),
      ...(retryable !== undefined && { retryable }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    },
    close,
  };
}

/** The `auth` part of hello-ok. */
export async function authOf(gateway: TestGateway, spec: ConnectSpec): Promise<Record<string, unknown>> {
  const client = await gateway.connect(spec);
  client.close();
  return client.helloPayload.auth;
}

/** Pairs a device from this machine with the shared secret; its token comes back. */
export async function pairLocally(
  gateway: TestGateway,
  identity: ConnectSpec["identity"],
  scopes: readonly string[] = ALL_SCOPES,
): Promise<string> {
  const auth = await authOf(gateway, { client: CLI, identity, scopes: [...scopes] });
  return auth.deviceToken as string;
}

/** The payload of the next event of that name that the client gets, or has got. */
export const payloadOf = async (client: TestClient, name: string): Promise<Record<string, unknown>> =>
  (await client.event(name)).payload;
