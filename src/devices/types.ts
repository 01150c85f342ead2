/** What a device may connect as. */
export type DeviceRole = "operator" | "node";

/** How a device came to be paired. */
export type ApprovedVia = "silent" | "owner" | "trusted-cidr" | "trusted-proxy" | "bootstrap";

/** What a device tells about itself. Shown to people; platform and family also decide what a node may do. */
export interface DeviceFacts {
  displayName?: string;
  platform?: string;
  deviceFamily?: string;
  clientId?: string;
  clientMode?: string;
}

export interface PairedDevice extends DeviceFacts {
  /** Lower-case hex SHA-256 of the raw public key. */
  deviceId: string;
  /** The raw 32-byte Ed25519 key in base64url without padding. */
  publicKey: string;
  /** The operator's own name for it; outlives new approvals. */
  operatorLabel?: string;
  /** The role of the latest approval. */
  role: DeviceRole;
  roles: DeviceRole[];
  /** Everything that was ever approved for the operator role: no token of the device goes beyond. */
  scopes: string[];
  remoteIp?: string;
  approvedVia: ApprovedVia;
  createdAtMs: number;
  approvedAtMs: number;
  lastSeenAtMs?: number;
  /** What the device was doing then; `connect` unless a node told otherwise. */
  lastSeenReason?: string;
}

/** A device's token for one role, without the token: it is known by its hash alone. */
export interface StoredToken {
  role: DeviceRole;
  /** Sorted, with what wider scopes imply. */
  scopes: string[];
  /** What the token was derived from, besides the gateway's key. Hex. */
  seed: string;
  /** Hex SHA-256 of the token. */
  hash: string;
  createdAtMs: number;
  rotatedAtMs?: number;
  revokedAtMs?: number;
  lastUsedAtMs?: number;
}

/** A wish to be paired, or for more than was approved, that waits for somebody's decision. */
export interface PairingRequest extends DeviceFacts {
  requestId: string;
  deviceId: string;
  publicKey: string;
  /** The role of the latest attempt; `roles` and `scopes` gather those of the attempts before it. */
  role: DeviceRole;
  roles: DeviceRole[];
  scopes: string[];
  remoteIp?: string;
  /** Came from this machine, so that a pairing without asking was possible in principle. */
  silent: boolean;
  /** The device was paired already. */
  isRepair: boolean;
  ts: number;
  /** When the device last tried; a request lasts as long as it keeps trying. */
  retriedAtMs: number;
}

/** Everything that is stored of one device. Changed as a whole. */
export interface DeviceState {
  device: PairedDevice | null;
  tokens: readonly StoredToken[];
  request: PairingRequest | null;
}

/** Who asks for a change: facts of the handshake, never of the parameters. */
export interface DeviceManager {
  role: DeviceRole;
  scopes: ReadonlySet<string>;
  deviceId?: string;
  /** `device-token` sessions may only manage their own device unless they are administrators. */
  authMethod: string;
}

/** A device lost access in one role, or altogether. Its live connections are to be closed. */
export interface AccessEnd {
  deviceId: string;
  role?: DeviceRole;
}
