import { Connection, type OpenOptions } from "./connection.ts";
import type { DeviceTokens } from "./device-tokens.ts";
import { GatewayRequestError } from "./errors.ts";
import type { DeviceIdentity } from "./identity.ts";
import type { Credentials, Introduction } from "./introduction.ts";

/** Who connects where, with which secrets. */
export interface SignIn {
  url: string;
  who: Omit<Introduction, "auth" | "identity">;
  /** The gateway's shared secret, if known. */
  secret?: Credentials;
  identity?: DeviceIdentity;
  /** Where tokens of the device are kept; needs the identity. */
  tokens?: DeviceTokens;
}

/**
 * Opens a connection with the secret, or without one with the token that the gateway gave this device earlier. A
 * token that it refuses is forgotten; a refused secret gives way to the token where the gateway says so. A new token
 * is kept.
 * @throws GatewayRequestError when every way is refused, GatewayTransportError when nobody answers
 */
export async function signIn(to: SignIn, options: OpenOptions = {}): Promise<Connection> {
  const { url, who, secret, identity, tokens } = to;
  const known = identity && tokens?.find(url, who.role);
  const open = (auth: Credentials): Promise<Connection> => Connection.open(url, { ...who, auth, identity }, options);
  const attempts: Credentials[] = [];
  if (secret) attempts.push(secret);
  if (known) attempts.push({ deviceToken: known.token });
  let connection: Connection | undefined;
  try {
    connection = await open(attempts[0] ?? {});
  } catch (error) {
    if (!(error instanceof GatewayRequestError)) throw error;
    if (error.detailCode === "AUTH_DEVICE_TOKEN_MISMATCH") tokens?.forget(url, who.role);
    const mayRetry = error.details?.canRetryWithDeviceToken === true && attempts.length > 1;
    if (!mayRetry) throw error;
    connection = await open(attempts[1]!);
  }
  keepToken(to, connection);
  return connection;
}

function keepToken({ url, who, tokens, identity }: SignIn, { hello }: Connection): void {
  const { deviceToken, role, scopes, issuedAtMs } = hello.auth ?? {};
  if (!identity || typeof deviceToken !== "string") return;
  tokens?.remember({
    url,
    role: role ?? who.role,
    scopes: scopes ?? [],
    token: deviceToken,
    issuedAtMs: issuedAtMs ?? 0,
  });
}
