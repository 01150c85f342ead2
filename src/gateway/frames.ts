import type { GatewayError } from "../platform/errors.ts";
import { toJson } from "../platform/json.ts";
import { explain } from "../protocol/validate.ts";

/** A request as it crosses the wire. `params` has not been checked yet. */
export interface RequestFrame {
  type: "req";
  id: string;
  method: string;
  params?: unknown;
  traceparent?: string;
  /** The user profile a client believes to act for. Accepted and not used: this gateway has one owner. */
  expectedProfileId?: string;
}

const REQUEST_KEYS: ReadonlySet<string> = new Set([
  "type",
  "id",
  "method",
  "params",
  "traceparent",
  "expectedProfileId",
]);

/** True for a well-formed request. This runs for every frame, so it does not go through the generated validator. */
export function isRequestFrame(value: unknown): value is RequestFrame {
  if (typeof value !== "object" || value === null) return false;
  const { type, id, method, traceparent } = value as Record<string, unknown>;
  if (type !== "req" || typeof id !== "string" || id === "") return false;
  if (typeof method !== "string" || method === "") return false;
  if (traceparent !== undefined && (typeof traceparent !== "string" || traceparent.length > 128)) return false;
  for (const key in value) if (!REQUEST_KEYS.has(key)) return false;
  return true;
}

/** Says what is wrong with a value that is not a request, in upstream's words. */
export async function explainRequestFrame(value: unknown): Promise<string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "must be object";
  const { expectedProfileId: _profile, ...frame } = value as Record<string, unknown>;
  return explain("RequestFrame", frame);
}

/** The id to answer an invalid frame with: its own when it is a string or number, else `invalid`. */
export function idOfInvalidFrame(value: unknown): string | number {
  const id = typeof value === "object" && value !== null ? (value as { id?: unknown }).id : undefined;
  return typeof id === "string" || typeof id === "number" ? id : "invalid";
}

/** A successful answer as wire text. */
export const resultFrame = (id: string, payload: unknown): string =>
  `{"type":"res","id":${JSON.stringify(id)},"ok":true,"payload":${toJson(payload)}}`;

/** A refusal as wire text. Some errors carry a payload beside them, as a failed run does. */
export function errorFrame(id: string | number, error: GatewayError): string {
  const payload = error.payload === undefined ? "" : `,"payload":${toJson(error.payload)}`;
  return `{"type":"res","id":${JSON.stringify(id)},"ok":false${payload},"error":${JSON.stringify(errorShape(error))}}`;
}

/** What of an error crosses the wire. */
export function errorShape({ code, message, details, retryable, retryAfterMs }: GatewayError) {
  return {
    code,
    message,
    ...(details !== undefined && { details }),
    ...(retryable !== undefined && { retryable }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

const MAX_CLOSE_REASON_BYTES = 123;

/** Cuts a close reason to what a close frame can carry, without splitting a character. */
export function closeReason(text: string): string {
  // No character takes less than a byte. Strangers choose part of some reasons, so the work must not grow with them.
  let bytes = 0;
  let cut = "";
  for (const character of text.slice(0, MAX_CLOSE_REASON_BYTES + 1)) {
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_CLOSE_REASON_BYTES) return cut;
    cut += character;
  }
  return cut;
}
