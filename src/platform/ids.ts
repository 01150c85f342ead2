import { randomBytes, randomUUID } from "node:crypto";

/** A random identifier for anything that crosses the wire (upstream uses UUID v4). */
export const uuid = (): string => randomUUID();

/** A random secret in base64url without padding. `bytes` is its entropy, 32 unless told. */
export const secretToken = (bytes = 32): string => randomBytes(bytes).toString("base64url");
