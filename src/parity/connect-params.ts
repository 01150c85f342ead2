import type { ConnectSpec } from "./cases.ts";
import { deviceBlock } from "./device.ts";

export const ALL_SCOPES: readonly string[] = [
  "operator.admin",
  "operator.read",
  "operator.write",
  "operator.approvals",
  "operator.pairing",
  "operator.questions",
  "operator.talk",
  "operator.talk.secrets",
];

/** The connections that cases name without defining them. */
export const PRESETS: Readonly<Record<string, ConnectSpec>> = {
  main: { scopes: [...ALL_SCOPES] },
  none: { scopes: [] },
  read: { scopes: ["operator.read"] },
  write: { scopes: ["operator.read", "operator.write"] },
  pairing: { scopes: ["operator.pairing"] },
  approvals: { scopes: ["operator.approvals"] },
};

/** The role and scopes a connection asks for. */
export function authorityOf({ role = "operator", scopes }: ConnectSpec): { role: string; scopes: readonly string[] } {
  return { role, scopes: scopes ?? (role === "operator" ? ALL_SCOPES : []) };
}

/** The params of `connect`: by default the backend client without a device, with the shared secret and every scope. */
export function connectParams(
  spec: ConnectSpec,
  { token, challenge }: { token: string; challenge: { nonce: string; ts: number } },
): Record<string, unknown> {
  const client: Record<string, string> = {
    id: "gateway-client",
    version: "1.0.0",
    platform: "linux",
    mode: "backend",
    ...spec.client,
  };
  const { role, scopes } = authorityOf(spec);
  const auth = spec.auth ?? { token };
  const params: Record<string, unknown> = {
    minProtocol: spec.minProtocol ?? 4,
    maxProtocol: spec.maxProtocol ?? 4,
    client,
    role,
    scopes,
    caps: spec.caps ?? ["tool-events"],
    auth,
    ...(spec.commands && { commands: spec.commands }),
    ...(spec.permissions && { permissions: spec.permissions }),
  };
  if (spec.device !== undefined) {
    const proof = {
      clientId: client.id!,
      clientMode: client.mode!,
      role,
      scopes,
      token: auth.token ?? auth.deviceToken ?? auth.bootstrapToken ?? "",
      platform: client.platform,
      deviceFamily: client.deviceFamily,
    };
    params.device = deviceBlock(spec.device, proof, challenge, spec);
  }
  for (const field of spec.omit ?? []) delete params[field];
  return params;
}
