import { hostname, networkInterfaces, release } from "node:os";
import { LIMITS } from "../../generated/limits.ts";
import type { PresenceEntry, SystemEventParams } from "../../generated/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { StateVersions } from "./versions.ts";

/** Clients that come and go with every command; an entry each would be noise for the whole TTL. */
const EPHEMERAL_MODES: ReadonlySet<string> = new Set(["cli", "backend", "probe"]);

/** A macOS beacon with this tag wants an older input recency removed. */
const CLEAR_LAST_INPUT_TAG = "system-presence-clear-last-input";

/** The facts of an accepted connection that presence shows. */
export interface PresentClient {
  connId: string;
  role: "operator" | "node";
  scopes: Iterable<string>;
  deviceId?: string;
  /** The peer's address; absent for local peers, whose address says nothing. */
  ip?: string;
  client: {
    id: string;
    mode: string;
    version: string;
    platform: string;
    displayName?: string;
    deviceFamily?: string;
    modelIdentifier?: string;
    timeZone?: string;
    instanceId?: string;
  };
}

/**
 * Who is around: the gateway itself, connected clients and nodes, and what they tell through `system-event`.
 * Kept in memory, entries expire five minutes after their last update. A live connection's entry does not expire.
 */
export class Presence {
  private readonly entries = new Map<string, PresenceEntry>();
  private readonly live = new Map<string, string>();
  private readonly self: Omit<PresenceEntry, "ts">;

  constructor(
    private readonly deps: { bus: EventBus; clock: Clock; versions: StateVersions },
    gatewayVersion: string,
  ) {
    this.self = selfEntry(gatewayVersion);
  }

  /** The gateway first, then the others, newest first. */
  list(): PresenceEntry[] {
    this.prune();
    const others = [...this.entries.values()].sort((a, b) => b.ts - a.ts);
    return [{ ...this.self, ts: this.deps.clock.now() }, ...others];
  }

  /**
   * Takes what a client reports about its machine. Reports merge by device id, instance id, host, address,
   * or else by the text itself. A text of the form `Node: host (ip) · app v · mode m · reason r` is also read.
   * @throws GatewayError `text required`
   */
  report(params: SystemEventParams): void {
    const text = params.text.trim().slice(0, LIMITS.presenceFactChars);
    if (text === "") throw invalidRequest("text required");
    const facts: Partial<PresenceEntry> = { ...parseSummary(text), ...definedFacts(params) };
    const key = facts.deviceId ?? facts.instanceId ?? facts.host ?? facts.ip ?? text;
    const clearInput = params.tags?.includes(CLEAR_LAST_INPUT_TAG) === true;
    this.put(key, { ...facts, ...(clearInput && { lastInputSeconds: undefined }), text });
  }

  /** Adds the entry of an accepted connection, unless its kind is too short-lived to be shown. */
  connected(peer: PresentClient): void {
    const { client, role, deviceId, connId } = peer;
    if (role === "operator" && EPHEMERAL_MODES.has(client.mode)) return;
    const key = role === "node" ? (deviceId ?? client.instanceId ?? connId) : connId;
    const host = client.displayName ?? client.id;
    const scopes = [...peer.scopes];
    this.live.set(connId, key.toLowerCase());
    this.put(key, {
      host,
      ip: peer.ip,
      version: client.version,
      platform: client.platform,
      deviceFamily: client.deviceFamily,
      modelIdentifier: client.modelIdentifier,
      timeZone: client.timeZone,
      mode: client.mode,
      deviceId,
      roles: [role],
      scopes: deviceId && scopes.length > 0 ? scopes : undefined,
      instanceId: role === "node" ? (deviceId ?? client.instanceId) : client.instanceId,
      onlineSince: role === "operator" ? this.deps.clock.now() : undefined,
      reason: "connect",
      text: `Node: ${host} · mode ${client.mode}`,
    });
  }

  /** Shows which sessions a connection looks at, by their canonical keys. One that has no entry is not shown. */
  watch(connId: string, sessionKeys: readonly string[]): void {
    const key = this.live.get(connId);
    if (key === undefined) return;
    const watched = sessionKeys.length > 0 ? [...sessionKeys] : undefined;
    if (Bun.deepEquals(this.entries.get(key)?.watchedSessions, watched)) return;
    this.put(key, { watchedSessions: watched });
  }

  /** Marks the connection's entry as gone; it stays in the list until it expires. */
  disconnected(connId: string): void {
    const key = this.live.get(connId);
    if (key === undefined) return;
    this.live.delete(connId);
    if ([...this.live.values()].includes(key)) return;
    this.put(key, { reason: "disconnect", watchedSessions: undefined });
  }

  private put(rawKey: string, facts: Partial<PresenceEntry>): void {
    const key = rawKey.toLowerCase();
    const merged = { ...this.entries.get(key), ...facts, ts: this.deps.clock.now() };
    this.entries.set(key, withoutUndefined(merged));
    this.prune();
    this.deps.versions.presence++;
    this.deps.bus.publish("presence", { presence: this.list() });
  }

  private prune(): void {
    const oldest = this.deps.clock.now() - LIMITS.presenceTtlMs;
    const live = new Set(this.live.values());
    for (const [key, entry] of this.entries) {
      if (entry.ts < oldest && !live.has(key)) this.entries.delete(key);
    }
    const surplus = this.entries.size - LIMITS.presenceMaxEntries;
    if (surplus <= 0) return;
    const byAge = [...this.entries].sort(([, a], [, b]) => a.ts - b.ts);
    for (const [key] of byAge.slice(0, surplus)) this.entries.delete(key);
  }
}

function selfEntry(version: string): Omit<PresenceEntry, "ts"> {
  const host = hostname();
  const ip = primaryAddress();
  return withoutUndefined({
    host,
    ip,
    version,
    platform: `${process.platform} ${release()}`,
    deviceFamily: deviceFamily(),
    mode: "gateway",
    reason: "self",
    instanceId: uuid(),
    text: `Gateway: ${host}${ip ? ` (${ip})` : ""} · app ${version} · mode gateway · reason self`,
  });
}

function deviceFamily(): string {
  if (process.platform === "darwin") return "Mac";
  return process.platform === "win32" ? "Windows" : "Linux";
}

function primaryAddress(): string | undefined {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const address of addresses ?? []) if (address.family === "IPv4" && !address.internal) return address.address;
  }
  return undefined;
}

/** Reads the one-line summary that older companion apps send as text. Anything else gives no facts. */
function parseSummary(text: string): Partial<PresenceEntry> {
  const [head = "", ...parts] = text.split(" · ");
  const named = /^Node: (.+?)(?: \(([^)]+)\))?$/.exec(head);
  if (!named || parts.length === 0) return {};
  const facts: Partial<PresenceEntry> = { host: named[1] };
  if (named[2]) facts.ip = named[2];
  for (const part of parts) {
    const [, name, value] = /^(app|mode|reason|last input) (.+)$/.exec(part) ?? [];
    if (name === "app") facts.version = value;
    if (name === "mode") facts.mode = value;
    if (name === "reason") facts.reason = value;
    const seconds = name === "last input" ? /^(\d+)s ago$/.exec(value ?? "") : null;
    if (seconds) facts.lastInputSeconds = Number(seconds[1]);
  }
  return facts;
}

/** What of a report presence keeps; an empty list says nothing, as upstream reads it. `sessionKey` and `wake` say what to do with the report, not who sent it. */
function definedFacts(params: SystemEventParams): Partial<PresenceEntry> {
  const { text: _text, tags: _tags, sessionKey: _sessionKey, wake: _wake, ...facts } = params;
  const said = Object.entries(withoutUndefined(facts)).filter(([, fact]) => !Array.isArray(fact) || fact.length > 0);
  return Object.fromEntries(said.map(([key, fact]) => [key, bounded(fact)]));
}

/** Entries are kept in memory and sent to everybody: what a client says of itself is cut to a bearable length. */
function bounded<T>(fact: T | string | string[]): T | string | string[] {
  if (typeof fact === "string") return fact.slice(0, LIMITS.presenceFactChars);
  if (!Array.isArray(fact)) return fact;
  return fact.slice(0, LIMITS.presenceFactItems).map((item) => item.slice(0, LIMITS.presenceFactChars));
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}
