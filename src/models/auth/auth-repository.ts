import type { Database } from "bun:sqlite";
import type { Store } from "../../store/store.ts";
import type { Health } from "./health.ts";
import type { Credential, Profile } from "./profile.ts";

/** The account that a session stays with. */
export interface Pin {
  sessionId: string;
  profileId: string;
  /** `user`: somebody chose it. */
  source: "auto" | "user";
}

interface HealthRow {
  agent_id: string;
  profile_id: string;
  last_used: number;
  errors: number;
  failed_at: number;
  cooldown_until: number;
  cooldown_model: string | null;
  disabled_until: number;
  reason: Health["reason"];
}

/** Accounts, their health, their order and who stays with which. Credentials are as safe as the database file. */
export class AuthRepository {
  constructor(
    private readonly store: Store,
    private readonly limits: { profiles: number; pins: number },
  ) {}

  async profiles(): Promise<Profile[]> {
    const sql = "SELECT agent_id, profile_id, provider, credential FROM auth_profiles ORDER BY profile_id";
    type Row = { agent_id: string; profile_id: string; provider: string; credential: string };
    const rows = await this.store.read((db) => db.query(sql).all() as Row[]);
    return rows.map(({ agent_id: agentId, profile_id: id, provider, credential }) => ({
      id,
      agentId,
      provider,
      credential: JSON.parse(credential) as Credential,
    }));
  }

  /** Stores a profile over one of the same id. @returns false when there are too many */
  put({ id, agentId, provider, credential }: Profile, now: number): Promise<boolean> {
    return this.store.write((db) => {
      const sql = "SELECT count(*) AS n FROM auth_profiles WHERE NOT (agent_id = ? AND profile_id = ?)";
      const { n } = db.query(sql).get(agentId, id) as { n: number };
      if (n >= this.limits.profiles) return false;
      db.query("INSERT OR REPLACE INTO auth_profiles VALUES (?, ?, ?, ?, ?)").run(
        ...[agentId, id, provider, JSON.stringify(credential), now],
      );
      db.query("DELETE FROM auth_health WHERE profile_id = ?").run(id);
      return true;
    });
  }

  /** Replaces a credential that is still the one that was read; a profile removed meanwhile stays removed. */
  replace({ id, agentId, credential }: Profile, before: Credential, now: number): Promise<boolean> {
    return this.store.write((db) => {
      const sql =
        "UPDATE auth_profiles SET credential = ?, updated_at = ? WHERE agent_id = ? AND profile_id = ? AND credential = ?";
      return db.query(sql).run(JSON.stringify(credential), now, agentId, id, JSON.stringify(before)).changes > 0;
    });
  }

  async remove(profiles: readonly Profile[]): Promise<void> {
    await this.store.write((db) => {
      for (const { id, agentId } of profiles) {
        db.query("DELETE FROM auth_profiles WHERE agent_id = ? AND profile_id = ?").run(agentId, id);
        db.query("DELETE FROM auth_health WHERE profile_id = ?").run(id);
        db.query("DELETE FROM auth_pins WHERE profile_id = ?").run(id);
      }
    });
  }

  /** Health by `agent profile`. */
  async health(): Promise<Map<string, Health>> {
    const rows = await this.store.read((db) => db.query("SELECT * FROM auth_health").all() as HealthRow[]);
    return new Map(rows.map((row) => [healthKey(row.agent_id, row.profile_id), healthOf(row)]));
  }

  /** Stores what `change` makes of the health as it stands. */
  changeHealth(agentId: string, profileId: string, change: (before: Health | undefined) => Health): Promise<Health> {
    return this.store.write((db) => {
      const sql = "SELECT * FROM auth_health WHERE agent_id = ? AND profile_id = ?";
      const row = db.query(sql).get(agentId, profileId) as HealthRow | null;
      const next = change(row ? healthOf(row) : undefined);
      writeHealth(db, agentId, profileId, next);
      return next;
    });
  }

  async orders(): Promise<{ agentId: string; provider: string; profileIds: string[] }[]> {
    type Row = { agent_id: string; provider: string; profile_ids: string };
    const rows = await this.store.read((db) => db.query("SELECT * FROM auth_orders").all() as Row[]);
    return rows.map((row) => ({
      agentId: row.agent_id,
      provider: row.provider,
      profileIds: JSON.parse(row.profile_ids) as string[],
    }));
  }

  async setOrder(agentId: string, provider: string, profileIds: readonly string[] | null): Promise<void> {
    await this.store.write((db) => {
      if (profileIds === null)
        db.query("DELETE FROM auth_orders WHERE agent_id = ? AND provider = ?").run(agentId, provider);
      else
        db.query("INSERT OR REPLACE INTO auth_orders VALUES (?, ?, ?)").run(
          agentId,
          provider,
          JSON.stringify(profileIds),
        );
    });
  }

  async pin(sessionKey: string, provider: string): Promise<Pin | undefined> {
    const sql = "SELECT session_id, profile_id, source FROM auth_pins WHERE session_key = ? AND provider = ?";
    type Row = { session_id: string; profile_id: string; source: Pin["source"] };
    const row = await this.store.read((db) => db.query(sql).get(sessionKey, provider) as Row | null);
    return row ? { sessionId: row.session_id, profileId: row.profile_id, source: row.source } : undefined;
  }

  /** Stores a pin; null takes it away. The oldest ones that nobody chose go when there are too many. */
  async setPin(sessionKey: string, provider: string, pin: Pin | null, now: number): Promise<void> {
    await this.store.write((db) => {
      if (pin === null) {
        db.query("DELETE FROM auth_pins WHERE session_key = ? AND provider = ?").run(sessionKey, provider);
        return;
      }
      const { sessionId, profileId, source } = pin;
      db.query("INSERT OR REPLACE INTO auth_pins VALUES (?, ?, ?, ?, ?, ?)").run(
        ...[sessionKey, provider, sessionId, profileId, source, now],
      );
      db.query(
        `DELETE FROM auth_pins WHERE (session_key, provider) IN (SELECT session_key, provider FROM auth_pins
           WHERE source = 'auto' ORDER BY updated_at DESC LIMIT -1 OFFSET ?)`,
      ).run(this.limits.pins);
    });
  }
}

export const healthKey = (agentId: string, profileId: string): string => `${agentId} ${profileId}`;

const healthOf = (row: HealthRow): Health => ({
  lastUsed: row.last_used,
  errors: row.errors,
  failedAt: row.failed_at,
  cooldownUntil: row.cooldown_until,
  cooldownModel: row.cooldown_model,
  disabledUntil: row.disabled_until,
  reason: row.reason,
});

function writeHealth(db: Database, agentId: string, profileId: string, health: Health): void {
  const { lastUsed, errors, failedAt, cooldownUntil, cooldownModel, disabledUntil, reason } = health;
  db.query("INSERT OR REPLACE INTO auth_health VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)").run(
    ...[agentId, profileId, lastUsed, errors, failedAt, cooldownUntil, cooldownModel, disabledUntil, reason],
  );
}
