import type { Database } from "bun:sqlite";
import type { Clock } from "../platform/clock.ts";
import type { Store } from "../store/store.ts";

/** A message that names a person, as it waits for that person. */
export interface Mention {
  id: string;
  profileId: string;
  senderId: string;
  sessionKey: string;
  agentId: string;
  messageId: string;
  excerpt: string;
  /** Epoch milliseconds. */
  createdAt: number;
}

/** Counts and milliseconds; values and reasons in `spec/chela/limits.yaml`. */
export interface MentionLimits {
  mentionsPerPerson: number;
  mentionsTotal: number;
  mentionTtlMs: number;
}

const COLUMNS = `id, profile_id AS profileId, sender_id AS senderId, session_key AS sessionKey, agent_id AS agentId,
  message_id AS messageId, excerpt, created_at AS createdAt`;

/** Mentions on disk. One that was dismissed stays until it is old, so that its message does not bring it back. */
export class MentionRepository {
  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly limits: MentionLimits,
  ) {}

  /** Notes a mention; false when the message has told this person before. */
  add(mention: Mention): Promise<boolean> {
    const sql = `INSERT INTO user_mentions (id, profile_id, sender_id, session_key, agent_id, message_id, excerpt, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1`;
    const { id, profileId, senderId, sessionKey, agentId, messageId, excerpt, createdAt } = mention;
    return this.store.write((db) => {
      this.forgetOld(db, profileId);
      const added = db.query(sql).get(id, profileId, senderId, sessionKey, agentId, messageId, excerpt, createdAt);
      return added !== null;
    });
  }

  /** What waits for a person, the latest first. */
  list(profileId: string): Promise<Mention[]> {
    const sql = `SELECT ${COLUMNS} FROM user_mentions WHERE profile_id = ? AND dismissed = 0 AND created_at > ?
      ORDER BY created_at DESC, id LIMIT ?`;
    const since = this.clock.now() - this.limits.mentionTtlMs;
    return this.store.read((db) => db.query(sql).all(profileId, since, this.limits.mentionsPerPerson) as Mention[]);
  }

  /** How many of these waited for the person and do no more. */
  dismiss(profileId: string, ids: readonly string[]): Promise<number> {
    const sql = "UPDATE user_mentions SET dismissed = 1 WHERE id = ? AND profile_id = ? AND dismissed = 0";
    return this.store.write((db) => ids.reduce((sum, id) => sum + db.query(sql).run(id, profileId).changes, 0));
  }

  /** Leaves room for one more. */
  private forgetOld(db: Database, profileId: string): void {
    const { mentionsPerPerson, mentionsTotal, mentionTtlMs } = this.limits;
    db.query("DELETE FROM user_mentions WHERE created_at <= ?").run(this.clock.now() - mentionTtlMs);
    const oldest = (of: string) =>
      `DELETE FROM user_mentions WHERE id IN (SELECT id FROM user_mentions ${of} ORDER BY created_at DESC LIMIT -1 OFFSET ?)`;
    db.query(oldest("WHERE profile_id = ?")).run(profileId, mentionsPerPerson - 1);
    db.query(oldest("")).run(mentionsTotal - 1);
  }
}
