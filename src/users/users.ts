import { createHash } from "node:crypto";
import { LIMITS } from "../../generated/limits.ts";
import type {
  UserProfile,
  UsersAuthLinksResult,
  UsersLinkEmailParams,
  UsersLinkEmailResult,
  UsersListResult,
  UsersModelAccountsResult,
  UsersPrefsGetParams,
  UsersPrefsGetResult,
  UsersPrefsSetParams,
  UsersPrefsSetResult,
  UsersSelfResult,
  UsersSetAvatarParams,
  UsersSetAvatarResult,
  UsersSetDisplayNameParams,
  UsersSetDisplayNameResult,
  UsersSetRoleParams,
  UsersSetRoleResult,
} from "../../generated/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { hasScope } from "../platform/scopes.ts";
import type { Profile, UserRepository } from "./user-repository.ts";

/** What is known of whoever calls. */
export interface Person {
  connId: string;
  role: "operator" | "node";
  deviceId?: string;
  client: { id: string; mode: string };
  scopes: ReadonlySet<string>;
  /** The name that a proxy in front of the gateway vouches for. */
  user?: string;
}

interface UsersDeps {
  repository: UserRepository;
  bus: EventBus;
  clock: Clock;
}

/** The profile that everybody shares who is not known by name (docs: concepts/user-model). */
export const OWNER = "gateway-owner";
/** Modes of clients that are programs, not people (measured on 2026.9.6). */
const PROGRAMS: ReadonlySet<string> = new Set(["cli", "backend", "probe", "node"]);
const KEY = /^.{1,256}$/s;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Who uses the gateway: people whom a proxy vouches for by name, and for everybody else who has an interface and a device
 * one shared owner. Names and preferences last; nothing is allowed or refused because of them.
 */
export class Users {
  /** By connection: whose it is. */
  private readonly present = new Map<string, string>();

  constructor(private readonly deps: UsersDeps) {}

  /** A connection has come: its person has a profile from now on. Returns the function that ends it. */
  arrived(person: Person): () => void {
    let isHere = true;
    void this.profileOf(person).then(
      (profile) => profile && isHere && this.present.set(person.connId, profile.id),
      // A profile that could not be made is made, or refused with its reason, when the person asks for it.
      () => undefined,
    );
    return () => {
      isHere = false;
      this.present.delete(person.connId);
    };
  }

  /** `users.list`: every profile, the oldest first. */
  async list(): Promise<UsersListResult> {
    return { profiles: (await this.deps.repository.list()).map(shown) };
  }

  /** @throws GatewayError for callers that are no person */
  async self(person: Person): Promise<UsersSelfResult> {
    const profile = await this.profileOf(person);
    if (!profile) throw new GatewayError("FORBIDDEN", "users.self requires an authenticated user");
    return { profile: shown(profile) };
  }

  /** Preferences of the caller's profile: all, or those of `keys` that are set. */
  async preferences({ keys }: UsersPrefsGetParams, person: Person): Promise<UsersPrefsGetResult> {
    const profile = await this.profileOf(person);
    if (!profile) return { status: "no_durable_identity" };
    return { status: "ok", entries: Object.fromEntries(await this.deps.repository.preferences(profile.id, keys)) };
  }

  /**
   * Sets preferences, and forgets those whose value is null.
   * @throws GatewayError for a key or value that cannot be kept, and (`USER_PREFS_LIMIT_EXCEEDED`) for too many keys
   */
  async setPreferences({ entries }: UsersPrefsSetParams, person: Person): Promise<UsersPrefsSetResult> {
    const profile = await this.profileOf(person);
    if (!profile) return { status: "no_durable_identity" };
    const texts = Object.entries(entries).map(([key, value]) => [key, preferenceText(key, value)] as const);
    const full = await this.deps.repository.changePreferences(profile.id, texts);
    if (full !== null) throw tooMany(full);
    if (texts.length > 0) {
      const keys = texts.map(([key]) => key);
      const connIds = this.connectionsOf(profile.id);
      this.deps.bus.publish("users.prefs.changed", { profileId: profile.id, keys }, { connIds });
    }
    return { status: "ok" };
  }

  /** The caller's own name, or for administrators anybody's. @throws GatewayError `user profile not found: x` */
  async setDisplayName(params: UsersSetDisplayNameParams, person: Person): Promise<UsersSetDisplayNameResult> {
    const { profileId, displayName } = params;
    const { repository, clock } = this.deps;
    await this.mustBeAllowed(profileId, person);
    return { profile: shown(found(await repository.rename(profileId, displayName, clock.now()), profileId)) };
  }

  /**
   * The caller's own picture, or for administrators anybody's. It is kept as it comes and never looked into; who serves
   * it says what it is and that nothing else is to be seen in it.
   */
  async setAvatar(params: UsersSetAvatarParams, person: Person): Promise<UsersSetAvatarResult> {
    const { profileId, mime } = params;
    const { repository, clock } = this.deps;
    await this.mustBeAllowed(profileId, person);
    const text = params.avatarBase64.trim();
    if (text === "" || !BASE64.test(text)) throw invalidRequest("avatarBase64 must be base64");
    const bytes = Buffer.from(text, "base64");
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const profile = found(await repository.setAvatar(profileId, { mime, sha256, bytes }, clock.now()), profileId);
    return { profile: shown(profile), avatarRevision: avatarRevision({ mime, sha256 }) };
  }

  /** The picture of a profile, and by what it is known again; null when it has none. */
  async avatar(profileId: string): Promise<{ mime: string; revision: string; bytes: Uint8Array } | null> {
    const avatar = await this.deps.repository.avatar(profileId);
    return avatar && { mime: avatar.mime, revision: avatarRevision(avatar), bytes: avatar.bytes };
  }

  /**
   * Says that a name is the same person's: a profile that has it becomes a part of the target.
   * @throws GatewayError for a blank name, an unknown profile, and the owner's, which is nobody's own
   */
  async linkEmail({ email, targetProfileId }: UsersLinkEmailParams): Promise<UsersLinkEmailResult> {
    const { repository, clock } = this.deps;
    const identity = identityOf(email);
    if (identity === "") throw invalidRequest("email must not be empty");
    const target = found(await repository.find(targetProfileId), targetProfileId);
    if (target.id === OWNER) {
      throw invalidRequest("the shared owner profile cannot be merged; sign in with a personal identity instead");
    }
    const before = await repository.byIdentity(identity);
    const linked = await repository.link(identity, target.id, clock.now());
    if (linked === "full") throw invalidRequest(`a profile has at most ${LIMITS.userIdentities} names`);
    for (const connId of before ? this.connectionsOf(before.id) : []) this.present.set(connId, target.id);
    return { profile: shown(found(linked, targetProfileId)) };
  }

  /**
   * Takes a person's role away. There are no roles to give: `gateway.roles` is not understood here, so that any name is
   * one that is not defined, as upstream has it without definitions.
   * @throws GatewayError for a role, an unknown profile, and the owner's
   */
  async setRole({ profileId, role }: UsersSetRoleParams): Promise<UsersSetRoleResult> {
    if (role !== null) {
      const hint = "define it under gateway.roles.definitions before assigning it";
      throw invalidRequest(`unknown operator role "${role}"; ${hint}`);
    }
    const { repository, clock } = this.deps;
    const { id } = found(await repository.find(profileId), profileId);
    if (id === OWNER) throw invalidRequest("the shared owner profile is not governed by operator roles");
    return { profile: shown(found(await repository.touch(id, clock.now()), profileId)) };
  }

  /** Accounts at model providers that people brought themselves: here all are the gateway's. @throws GatewayError for programs */
  async modelAccounts(person: Person): Promise<UsersModelAccountsResult> {
    const profile = await this.profileOf(person);
    if (!profile) throw reconnect();
    return { profileId: profile.id, accounts: [], links: [] };
  }

  /** @throws GatewayError for programs, and for somebody else's profile */
  async authLinks(profileId: string, person: Person): Promise<UsersAuthLinksResult> {
    const profile = await this.profileOf(person);
    if (profile?.id !== profileId) throw reconnect();
    return { links: [] };
  }

  /** The ids of the connections that are a profile's, and whose each is. */
  connectionsOf(profileId: string): string[] {
    return [...this.present].filter(([, id]) => id === profileId).map(([connId]) => connId);
  }

  /** The caller's profile, made where it is missing; null for programs. */
  async profileOf({ role, client, deviceId, user }: Person): Promise<Profile | null> {
    if (role !== "operator") return null;
    const { repository, clock } = this.deps;
    if (user !== undefined) {
      const identity = identityOf(user);
      const known = await repository.byIdentity(identity);
      if (known) return known;
      const displayName = identity.split("@")[0] || identity;
      await repository.add({ id: uuid(), identity, displayName }, clock.now());
      return repository.byIdentity(identity);
    }
    if (deviceId === undefined || PROGRAMS.has(client.mode)) return null;
    const owner = await repository.find(OWNER);
    if (owner) return owner;
    await repository.add({ id: OWNER, identity: null, displayName: null }, clock.now());
    return repository.find(OWNER);
  }

  private async mustBeAllowed(profileId: string, person: Person): Promise<void> {
    if (hasScope(person, "operator.admin")) return;
    const own = await this.profileOf(person);
    const target = own && (await this.deps.repository.find(profileId));
    if (own !== null && target?.id === own.id) return;
    throw new GatewayError("FORBIDDEN", "profile edits require the owning user or operator.admin");
  }
}

/** A name as it is compared: proxies and people write it in either case. */
const identityOf = (name: string): string => name.trim().toLowerCase();

const avatarRevision = ({ mime, sha256 }: NonNullable<Profile["avatar"]>): string => `${sha256}-${mime.split("/")[1]}`;

/** Where a profile's picture is to be had; also without one, as who asks then shows the initials. */
export function avatarUrl({ id, avatar, updatedAt }: Profile): string {
  return `/api/users/${encodeURIComponent(id)}/avatar?v=${avatar ? avatarRevision(avatar) : updatedAt}`;
}

function found(profile: Profile | null, id: string): Profile {
  if (profile === null) throw invalidRequest(`user profile not found: ${id}`);
  return profile;
}

function shown({ id, identities, displayName, mergedInto, createdAt, updatedAt, avatar }: Profile): UserProfile {
  return {
    id,
    displayName,
    avatarMime: avatar?.mime ?? null,
    mergedInto,
    createdAt,
    updatedAt,
    emails: identities,
    githubIdentity: null,
    hasAvatar: avatar !== null,
  };
}

/** The value as it is stored; null to forget it. @throws GatewayError for one that cannot be kept */
function preferenceText(key: string, value: unknown): string | null {
  const refuse = (reason: string) => invalidRequest(`invalid users.prefs.set entry for ${key}: ${reason}`);
  if (!KEY.test(key)) throw refuse("invalid-key");
  if (value === null || value === undefined) return null;
  const text = JSON.stringify(value);
  if (Buffer.byteLength(text) > LIMITS.userPreferenceBytes) throw refuse("value-too-large");
  return text;
}

function tooMany(currentCount: number): GatewayError {
  const limit = LIMITS.userPreferences;
  const message = `users.prefs.set exceeds the ${limit}-key profile limit (current count: ${currentCount})`;
  return invalidRequest(message, { code: "USER_PREFS_LIMIT_EXCEEDED", limit, currentCount });
}

const reconnect = (): GatewayError =>
  new GatewayError(
    "FORBIDDEN",
    "This account action requires a current authorized connection; reconnect and try again.",
  );
