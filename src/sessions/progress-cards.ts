import type { Database } from "bun:sqlite";
import { LIMITS } from "../../generated/limits.ts";
import type {
  ProgressCard,
  ProgressCardGetResult,
  ProgressCardPutParams,
  ProgressCardPutResult,
  ProgressCardStep,
} from "../../generated/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import type { Store } from "../store/store.ts";
import type { SessionsPort } from "./types.ts";

export interface ProgressCardDeps {
  store: Store;
  sessions: Pick<SessionsPort, "canonicalKey" | "lookupKey">;
  bus: EventBus;
  clock: Clock;
}

/** A row without text and steps keeps the count of a card that was taken away. */
interface Row {
  session_key: string;
  revision: number;
  updated_at: number;
  markdown: string | null;
  steps: string | null;
  /** Whether the session is still the one that the card is of, and was not reset since. */
  current: number;
}

type Content = Pick<Row, "markdown" | "steps">;

/** What a reset changes, and a message does not. */
const LIFECYCLE = "coalesce(sessions.entry ->> 'lifecycleRevision', '')";
const SELECT = `
  SELECT card.*, card.lifecycle = ${LIFECYCLE} AS current
  FROM progress_cards AS card JOIN sessions ON sessions.key = card.session_key WHERE card.session_key = ?`;

/**
 * One card for each session that says how far its work is: a text, a list of steps, or both. Every change counts, that a
 * card is taken away and that its session is reset, too.
 */
export class ProgressCards {
  constructor(private readonly deps: ProgressCardDeps) {}

  /** The card of a session, null when it has none. @throws GatewayError for a malformed key */
  async get(sessionKey: string): Promise<ProgressCardGetResult> {
    const key = this.deps.sessions.lookupKey(sessionKey);
    return { card: await this.deps.store.read((db) => cardOf(rowOf(db, key))) };
  }

  /**
   * Replaces the card; one without text and steps takes it away. With `expectedRevision` it is taken away only if that
   * is still its revision and all its steps are done. Publishes `progressCard.changed` when something did.
   * @throws GatewayError for a session that does not exist
   */
  async put({ sessionKey, markdown, plan, expectedRevision }: ProgressCardPutParams): Promise<ProgressCardPutResult> {
    const key = this.deps.sessions.canonicalKey(sessionKey);
    const content: Content = {
      markdown: markdown?.trim() ? markdown : null,
      steps: plan && plan.length > 0 ? JSON.stringify(plan) : null,
    };
    if (isEmpty(content)) return this.clear(key, expectedRevision);
    if (expectedRevision !== undefined) throw invalidRequest("expectedRevision is only valid when clearing a card");
    if ((content.markdown?.length ?? 0) + (content.steps?.length ?? 0) > LIMITS.progressCardChars) {
      throw invalidRequest(`a progress card holds at most ${LIMITS.progressCardChars} characters`);
    }
    const card = await this.deps.store.write((db) => cardOf(this.write(db, key, content)));
    if (card === null) throw new GatewayError("UNAVAILABLE", `session not found: ${key}`);
    this.deps.bus.publish("progressCard.changed", { sessionKey: key, revision: card.revision });
    return { card };
  }

  private async clear(key: string, expectedRevision?: number): Promise<ProgressCardPutResult> {
    const { cleared, card } = await this.deps.store.write((db) => {
      const before = rowOf(db, key);
      const card = cardOf(before);
      const isKept = expectedRevision !== undefined && !(card?.revision === expectedRevision && isDone(card));
      if (before === null || isKept) return { cleared: false, card };
      this.write(db, key, { markdown: null, steps: null });
      return { cleared: true, card: null };
    });
    if (cleared) this.deps.bus.publish("progressCard.changed", { sessionKey: key, revision: null });
    return { card };
  }

  private write(db: Database, key: string, { markdown, steps }: Content): Row | null {
    db.query(
      `INSERT INTO progress_cards (session_key, lifecycle, revision, updated_at, markdown, steps)
       SELECT key, ${LIFECYCLE}, 1, ?2, ?3, ?4 FROM sessions WHERE key = ?1
       ON CONFLICT (session_key) DO UPDATE SET
         revision = revision + CASE WHEN lifecycle = excluded.lifecycle THEN 1 ELSE 2 END,
         lifecycle = excluded.lifecycle, updated_at = excluded.updated_at,
         markdown = excluded.markdown, steps = excluded.steps`,
    ).run(key, this.deps.clock.now(), markdown, steps);
    return rowOf(db, key);
  }
}

const rowOf = (db: Database, key: string): Row | null => db.query(SELECT).get(key) as Row | null;

const isEmpty = ({ markdown, steps }: Content): boolean => markdown === null && steps === null;

const isDone = ({ steps = [] }: ProgressCard): boolean =>
  steps.length > 0 && steps.every(({ status }) => status === "completed");

function cardOf(row: Row | null): ProgressCard | null {
  if (row === null || row.current === 0 || isEmpty(row)) return null;
  return {
    sessionKey: row.session_key,
    revision: row.revision,
    updatedAt: row.updated_at,
    ...(row.markdown !== null && { markdown: row.markdown }),
    ...(row.steps !== null && { steps: JSON.parse(row.steps) as ProgressCardStep[] }),
  };
}
