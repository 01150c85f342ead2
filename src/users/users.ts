import { LIMITS } from "../../generated/limits.ts";
import type {
  UserProfile,
  UsersAuthLinksResult,
  UsersListResult,
  UsersModelAccountsResult,
  UsersPrefsGetParams,
  UsersPrefsGetResult,
  UsersPrefsSetParams,
  UsersPrefsSetResult,
  UsersSelfResult,
  UsersSetDisplayNameParams,
  UsersSetDisplayNameResult,
} from "../../generated/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { hasScope, missingScope } from "../platform/scopes.ts";
import type { Profile, UserRepository } from "./user-repository.ts";

/** What is known of whoever calls. */
export interface Person {
  connId: string;
  role: "operator" | "node";
  deviceId?: string;
  client: { mode: string };
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
const OWNER = "gateway-owner";
/** Modes of clients that are programs, not people (measured on 2026.9.6). */
const PROGRAMS: ReadonlySet<string> = new Set(["cli", "backend", "probe", "node"]);
const KEY = /^.{1,256}$/s;

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
    const full = await this.deps.repository.change(profile.id, texts);
    if (full !== null) throw tooMany(full);
    if (texts.length > 0) {
      const connIds = [...this.present].filter(([, id]) => id === profile.id).map(([connId]) => connId);
      const keys = texts.map(([key]) => key);
      this.deps.bus.publish("users.prefs.changed", { profileId: profile.id, keys }, { connIds });
    }
    return { status: "ok" };
  }

  /** The caller's own name, or for administrators anybody's. @throws GatewayError `user profile not found: x` */
  async setDisplayName(params: UsersSetDisplayNameParams, person: Person): Promise<UsersSetDisplayNameResult> {
    const { profileId, displayName } = params;
    const { repository, clock } = this.deps;
    const own = await this.profileOf(person);
    if (own?.id !== profileId && !hasScope(person, "operator.admin")) throw missingScope("operator.admin");
    const after = await repository.rename(profileId, displayName, clock.now());
    if (after === null) throw invalidRequest(`user profile not found: ${profileId}`);
    return { profile: shown(after) };
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

  /** The caller's profile, made where it is missing; null for programs. */
  private async profileOf({ role, client, deviceId, user }: Person): Promise<Profile | null> {
    if (role !== "operator") return null;
    const { repository, clock } = this.deps;
    if (user !== undefined) {
      const known = await repository.byIdentity(user);
      if (known) return known;
      await repository.add({ id: uuid(), identity: user }, clock.now());
      return repository.byIdentity(user);
    }
    if (deviceId === undefined || PROGRAMS.has(client.mode)) return null;
    const owner = await repository.find(OWNER);
    if (owner) return owner;
    await repository.add({ id: OWNER, identity: null }, clock.now());
    return repository.find(OWNER);
  }
}

function shown({ id, identity, displayName, createdAt, updatedAt }: Profile): UserProfile {
  return {
    id,
    displayName,
    avatarMime: null,
    mergedInto: null,
    createdAt,
    updatedAt,
    emails: identity?.includes("@") ? [identity] : [],
    githubIdentity: null,
    hasAvatar: false,
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
