import { join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { readPrivateFile, writePrivateFile } from "../platform/private-file.ts";

/** A token that a gateway gave this device for a role. */
export interface DeviceToken {
  /** The gateway, by its URL. */
  url: string;
  role: string;
  scopes: string[];
  token: string;
  issuedAtMs: number;
}

/** Tokens that gateways gave this device, so that it comes in again without the shared secret. */
export class DeviceTokens {
  private readonly path: string;

  constructor(
    stateDir: string,
    private readonly deviceId: string,
  ) {
    this.path = join(stateDir, "identity", "device-tokens.json");
  }

  find(url: string, role: string): DeviceToken | undefined {
    return this.read().find((known) => known.url === url && known.role === role);
  }

  remember(token: DeviceToken): void {
    const others = this.read().filter((known) => known.url !== token.url || known.role !== token.role);
    this.write([token, ...others].slice(0, LIMITS.clientDeviceTokens));
  }

  forget(url: string, role: string): void {
    const tokens = this.read();
    const rest = tokens.filter((known) => known.url !== url || known.role !== role);
    if (rest.length < tokens.length) this.write(rest);
  }

  /** A file that cannot be read, or of another device, counts as empty: tokens can be had again. */
  private read(): DeviceToken[] {
    try {
      const file = JSON.parse(readPrivateFile(this.path) ?? "{}") as { deviceId?: string; tokens?: DeviceToken[] };
      return file.deviceId === this.deviceId && Array.isArray(file.tokens) ? file.tokens : [];
    } catch {
      return [];
    }
  }

  private write(tokens: DeviceToken[]): void {
    writePrivateFile(this.path, `${JSON.stringify({ version: 1, deviceId: this.deviceId, tokens }, null, 2)}\n`);
  }
}
