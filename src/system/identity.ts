import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { Settings } from "../store/settings.ts";

/** What others may know of the gateway's own device identity. */
export interface GatewayIdentity {
  /** Lower-case hex SHA-256 of the raw public key, as for every device. */
  deviceId: string;
  /** The raw 32-byte Ed25519 key in base64url without padding. */
  publicKey: string;
}

interface StoredIdentity extends GatewayIdentity {
  /** PKCS#8 DER in base64. Never leaves this module. */
  privateKey: string;
}

/** The gateway's Ed25519 identity, made at first use and kept in the settings. */
export class Identity {
  private stored: Promise<StoredIdentity> | undefined;

  constructor(private readonly settings: Settings) {}

  async get(): Promise<GatewayIdentity> {
    const { deviceId, publicKey } = await this.load();
    return { deviceId, publicKey };
  }

  /** Ed25519 signature of the UTF-8 text, base64url without padding. */
  async sign(text: string): Promise<string> {
    const { privateKey } = await this.load();
    const key: KeyObject = createPrivateKey({ key: Buffer.from(privateKey, "base64"), format: "der", type: "pkcs8" });
    return sign(null, Buffer.from(text, "utf8"), key).toString("base64url");
  }

  private load(): Promise<StoredIdentity> {
    this.stored ??= this.settings.getOrCreate("gateway.identity", createIdentity);
    return this.stored;
  }
}

function createIdentity(): StoredIdentity {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  return {
    deviceId: createHash("sha256").update(raw).digest("hex"),
    publicKey: raw.toString("base64url"),
    privateKey: privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"),
  };
}
