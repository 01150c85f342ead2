import type { ParityRecord, RecordedError, RecordedEvent } from "./cases.ts";
import { deviceIdentity } from "./device.ts";
import {
  COUNTERS,
  isMeasurement,
  isTime,
  KEY_PLACEHOLDERS,
  LONGEST_LABEL,
  LONGEST_TEXT,
  PROSE_KEYS,
  TEXT_RULES,
} from "./placeholders.ts";
import { shapeOf } from "./shape.ts";
import type { Frame } from "./socket.ts";

/** The fixed devices whose ids stay readable: `<device:op-a>`. */
const NAMED_DEVICES = [..."abcdef"].flatMap((letter) => ["op", "node", "approver"].map((kind) => `${kind}-${letter}`));

/** A payload whose normalised text is longer is recorded by its shape. */
const LARGEST_PAYLOAD = 24 * 1024;

const EPOCH_MS = 1_700_000_000_000;

/** Replaces what differs from run to run and from machine to machine, so that records can be compared. */
export class Normaliser {
  /** Exact texts and what stands for them; longer ones are replaced first. */
  private literals: [text: string, placeholder: string][] = NAMED_DEVICES.map((name) => [
    deviceIdentity(name).id,
    `<device:${name}>`,
  ]);
  private host: string | undefined;

  /** Takes from a hello-ok what names the machine: home folder, host, address, platform, version. */
  // biome-ignore lint/suspicious/noExplicitAny: hello-ok of whatever gateway answers
  learn(hello: any): void {
    const { stateDir, presence = [] } = hello?.snapshot ?? {};
    if (stateDir) this.literal(stateDir.replace(/\/\.[^/]+$/, ""), "<home>");
    this.literal(hello?.server?.version, "<version>");
    for (const { reason, host, ip, platform } of presence) {
      this.literal(ip, "<ip>");
      if (reason !== "self") continue;
      this.host = host ?? this.host;
      this.literal(host, "<host>");
      this.literal(platform, "<platform>");
    }
  }

  private literal(text: string | undefined, placeholder: string): void {
    if (text === undefined || text.length < 3 || this.literals.some(([known]) => known === text)) return;
    this.literals.push([text, placeholder]);
    this.literals.sort(([a], [b]) => b.length - a.length);
  }

  /** A text with placeholders; its length does not matter. */
  text(text: string): string {
    let result = text;
    for (const [literal, placeholder] of this.literals) result = result.replaceAll(literal, placeholder);
    for (const [pattern, placeholder] of TEXT_RULES) result = result.replace(pattern, placeholder);
    return result;
  }

  /** A deep copy with placeholders. */
  value(value: unknown, key = ""): unknown {
    if (typeof value === "string") return this.keyedText(value, key);
    if (typeof value === "number") return keyedNumber(value, key);
    if (Array.isArray(value)) {
      const isLog = key === "lines" && value.every((item) => typeof item === "string");
      return isLog ? value.slice(0, 1).map(() => "<line>") : value.map((item) => this.value(item, key));
    }
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [this.text(name), this.field(name, item)]));
  }

  private field(name: string, value: unknown): unknown {
    if (name === "eventLoop") return "<eventLoop>";
    if (name === "stateVersion" && typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.keys(value).map((part) => [part, 0]));
    }
    return this.value(value, name);
  }

  private keyedText(text: string, key: string): string {
    const placeholder = Object.hasOwn(KEY_PLACEHOLDERS, key) ? KEY_PLACEHOLDERS[key] : undefined;
    if (placeholder !== undefined && text !== "") return placeholder;
    if (key === "host" && text === this.host) return "<host>";
    if (text.length > LONGEST_TEXT || (PROSE_KEYS.has(key) && text.length > LONGEST_LABEL)) return "<text>";
    return this.text(text);
  }

  /** The payload of a record, or only its shape when it is large. */
  payload(payload: unknown): Pick<ParityRecord, "payload" | "payloadPaths"> {
    if (payload === undefined) return {};
    const value = this.value(payload);
    return JSON.stringify(value).length > LARGEST_PAYLOAD ? { payloadPaths: shapeOf(value) } : { payload: value };
  }

  error({ code, message, details, retryable, retryAfterMs }: NonNullable<Frame["error"]>): RecordedError {
    return {
      code,
      message: this.text(message),
      ...(details !== undefined && { details: this.value(details) }),
      ...(retryable !== undefined && { retryable }),
      ...(retryAfterMs !== undefined && { retryAfterMs: 0 }),
    };
  }

  /** An event without its number, and without the words of a stream, which are cut differently every time. */
  event(frame: Frame): RecordedEvent {
    // biome-ignore lint/suspicious/noExplicitAny: payloads of every event
    const payload = this.value(frame.payload) as any;
    if (typeof payload === "object" && payload !== null) {
      delete payload.seq;
      hideFragments(frame.event, payload);
    }
    return {
      event: frame.event!,
      ...(frame.stateVersion !== undefined && { stateVersion: "<n>" }),
      payload,
    };
  }
}

function keyedNumber(value: number, key: string): number {
  if (value > 1_500_000_000_000 && value < 4_000_000_000_000) return EPOCH_MS;
  if (isMeasurement(key) || COUNTERS.has(key)) return 0;
  return isTime(key) && value > 1_000_000_000 ? EPOCH_MS / 1000 : value;
}

// biome-ignore lint/suspicious/noExplicitAny: payloads of every event
function hideFragments(event: string | undefined, payload: any): void {
  if (event === "chat" && (payload.state === "delta" || payload.state === "aborted")) {
    if (payload.deltaText) payload.deltaText = "<delta>";
    for (const part of payload.message?.content ?? []) if (part?.text) part.text = "<partial>";
  }
  if (event === "agent" && payload.stream === "assistant" && payload.data) {
    if (payload.data.text) payload.data.text = "<partial>";
    if (payload.data.delta) payload.data.delta = "<delta>";
  }
  if (event === "node.invoke.request") payload.timeoutMs = 0;
}
