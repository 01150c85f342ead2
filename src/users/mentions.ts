import { LIMITS } from "../../generated/limits.ts";
import type {
  HumanMention,
  MentionsDismissParams,
  MentionsListResult,
  UsersMentionableParams,
  UsersMentionableResult,
} from "../../generated/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Logger } from "../platform/logger.ts";
import type { StoredSession } from "../sessions/entry.ts";
import type { Mention, MentionRepository } from "./mention-repository.ts";
import type { Profile, UserRepository } from "./user-repository.ts";
import { avatarUrl, OWNER, type Person, type Users } from "./users.ts";

interface MentionDeps {
  users: Users;
  profiles: Pick<UserRepository, "list" | "find">;
  repository: MentionRepository;
  sessions: {
    canonicalKey(key: string, agentId?: string): string;
    repository: { find(key: string): Promise<StoredSession | null> };
  };
  agents: { find(id: string): unknown };
  bus: EventBus;
  clock: Clock;
  log: Logger;
}

/** What a message's record says of its sender and of those whom it names. */
interface MentionFacts {
  senderId: string;
  senderName: string;
  senderIdentity: { type: "profile"; id: string };
  humanMentions: HumanMention[];
}

const EXCERPT_CHARS = 280;
const ID_SHOWN = 8;
const PAGE = "openclaw-control-ui";

/**
 * People whom messages name, and what waits for them (docs: concepts/multi-user, web/webchat). A mention gives nobody
 * access to anything. It is noted when the message is on disk, once for each person and message.
 */
export class Mentions {
  /** Of this run of the gateway; a client that sees another one forgets the revisions that it knew. */
  private readonly gatewayInstanceId = uuid();
  private readonly revisions = new Map<string, number>();

  constructor(private readonly deps: MentionDeps) {
    deps.bus.subscribe(({ event, payload }) => {
      if (event !== "session.message") return;
      const { message } = payload as { message: { __openclaw?: Partial<MentionFacts> } };
      if (message.__openclaw?.humanMentions === undefined) return;
      this.deliver(payload as SaidMessage).catch((error) => deps.log.error("mentions were not delivered", { error }));
    });
  }

  /** What waits for the caller. @throws GatewayError for programs */
  async list(person: Person): Promise<MentionsListResult> {
    return this.inbox(await this.mustBeSomebody(person));
  }

  /** Puts entries away; ids of none are passed over. @throws GatewayError for programs */
  async dismiss({ ids }: MentionsDismissParams, person: Person): Promise<MentionsListResult> {
    const own = await this.mustBeSomebody(person);
    if ((await this.deps.repository.dismiss(own.id, ids)) > 0) this.changed(own.id);
    return this.inbox(own);
  }

  /**
   * People whom the caller can name, those that are connected first.
   * @throws GatewayError for programs, an unknown agent and an unknown session
   */
  async mentionable(params: UsersMentionableParams, person: Person): Promise<UsersMentionableResult> {
    const own = await this.mustBeSomebody(person);
    await this.checkPlace(params);
    const { users, profiles } = this.deps;
    const everybody = (await profiles.list()).filter(({ id, mergedInto }) => mergedInto === null && id !== OWNER);
    const names = new Map<string, number>();
    for (const each of everybody) names.set(nameOf(each), (names.get(nameOf(each)) ?? 0) + 1);
    const wanted = (params.query ?? "").trim().toLowerCase();
    const found = everybody
      .filter((each) => each.id !== own.id && nameOf(each).toLowerCase().includes(wanted))
      .map((each) => ({
        profileId: each.id,
        displayName:
          (names.get(nameOf(each)) ?? 0) > 1 ? `${nameOf(each)} (${each.id.slice(0, ID_SHOWN)})` : nameOf(each),
        avatarUrl: avatarUrl(each),
        online: users.connectionsOf(each.id).length > 0,
      }))
      .sort((a, b) => Number(b.online) - Number(a.online) || a.displayName.localeCompare(b.displayName));
    return { users: found.slice(0, LIMITS.mentionableUsers), truncated: found.length > LIMITS.mentionableUsers };
  }

  /**
   * What the record of a message has to say when people were selected in it; undefined when none were.
   * @throws GatewayError when the selection does not fit the text, or names nobody who can be told
   */
  async selected(
    text: string,
    mentions: readonly HumanMention[] = [],
    person: Person,
  ): Promise<MentionFacts | undefined> {
    if (mentions.length === 0) return undefined;
    if (!mentions.every((each) => isName(text, each))) {
      throw invalidRequest("Selected mentions no longer match the message. Select the people again.");
    }
    const own = await this.deps.users.profileOf(person);
    if (own === null || own.id === OWNER || person.client.id !== PAGE) {
      throw invalidRequest(
        "Human mentions require a signed-in Control UI chat. Remove the selected mentions to use this mode.",
      );
    }
    const named = await Promise.all(mentions.map(({ profileId }) => this.deps.profiles.find(profileId)));
    if (named.some((each) => each === null || each.id === own.id || each.id === OWNER)) {
      throw invalidRequest("One or more mentioned people are unavailable. Select the recipients again.");
    }
    return {
      senderId: own.id,
      senderName: nameOf(own),
      senderIdentity: { type: "profile", id: own.id },
      humanMentions: mentions.map(({ start, end }, at) => ({ profileId: named[at]!.id, start, end })),
    };
  }

  private async deliver({ sessionKey, agentId, messageId, message }: SaidMessage): Promise<void> {
    const { humanMentions = [], senderId } = message.__openclaw as Partial<MentionFacts>;
    if (senderId === undefined) return;
    const { repository, clock } = this.deps;
    const excerpt = textOf(message.content).slice(0, EXCERPT_CHARS);
    for (const profileId of new Set(humanMentions.map((each) => each.profileId))) {
      const mention = { profileId, senderId, sessionKey, agentId, messageId, excerpt, createdAt: clock.now() };
      if (await repository.add({ id: uuid(), ...mention })) this.changed(profileId);
    }
  }

  private async inbox(own: Profile): Promise<MentionsListResult> {
    const items = await Promise.all((await this.deps.repository.list(own.id)).map((each) => this.item(each)));
    return {
      gatewayInstanceId: this.gatewayInstanceId,
      revision: this.revisions.get(own.id) ?? 0,
      items: items.filter((item) => item !== null),
    };
  }

  /** Null when its session is gone. */
  private async item({
    profileId: _,
    senderId,
    ...mention
  }: Mention): Promise<MentionsListResult["items"][number] | null> {
    const [session, sender] = await Promise.all([
      this.deps.sessions.repository.find(mention.sessionKey),
      this.deps.profiles.find(senderId),
    ]);
    if (session === null) return null;
    return {
      ...mention,
      expiresAt: mention.createdAt + LIMITS.mentionTtlMs,
      senderProfileId: sender?.id ?? senderId,
      senderLabel: sender ? nameOf(sender) : senderId,
      ...(sender && { senderAvatarUrl: avatarUrl(sender) }),
      sessionTitle: titleOf(session),
    };
  }

  private changed(profileId: string): void {
    const revision = (this.revisions.get(profileId) ?? 0) + 1;
    this.revisions.set(profileId, revision);
    const { gatewayInstanceId } = this;
    const connIds = this.deps.users.connectionsOf(profileId);
    this.deps.bus.publish("mentions.changed", { gatewayInstanceId, revision }, { connIds });
  }

  private async checkPlace(params: UsersMentionableParams): Promise<void> {
    const { sessions, agents } = this.deps;
    const { agentId } = params;
    if (agentId !== undefined && !agents.find(agentId)) throw invalidRequest(`Unknown agent id "${agentId}"`);
    if (!("sessionKey" in params)) return;
    const session = await sessions.repository.find(sessions.canonicalKey(params.sessionKey, agentId));
    if (session === null) throw invalidRequest("Session was not found.");
  }

  private async mustBeSomebody(person: Person): Promise<Profile> {
    const profile = await this.deps.users.profileOf(person);
    if (profile) return profile;
    throw new GatewayError("FORBIDDEN", "Human mentions require a verified user profile. Sign in to use mentions.");
  }
}

interface SaidMessage {
  sessionKey: string;
  agentId: string;
  messageId: string;
  message: { content: unknown; __openclaw: Partial<MentionFacts> };
}

const nameOf = ({ displayName, identities, id }: Profile): string => displayName?.trim() || identities[0] || id;

/** True for a place of the text that begins with an at sign, in UTF-16 units. */
const isName = (text: string, { start, end }: HumanMention): boolean =>
  text[start] === "@" && end > start + 1 && end <= text.length;

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => (part?.type === "text" ? String(part.text) : "")).join("");
}

const titleOf = ({ entry: { label } }: StoredSession): string => label || "Conversation";
