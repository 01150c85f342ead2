import { ParityConnection, type Target } from "../connection.ts";
import type { Ledger, SentMessage } from "./ledger.ts";

/** Sessions that are written to at the same time. */
const LANES = 4;

/**
 * Writes to the gateway from one connection until it dies: turns in a few sessions, notes, labels, new sessions. The
 * ledger learns of everything that was asked for before it is sent, and of every answer.
 */
export async function writeUntilDead(target: Target, ledger: Ledger, round: number, writer: number): Promise<void> {
  const connection = await ParityConnection.open(target, {});
  const name = `kill-${round}-${writer}`;
  let count = 0;
  const next = (): string => `${name}-${++count}`;
  const keyOf = (lane: number): string => `agent:main:${name}-lane-${lane}`;
  const forever = async (work: () => Promise<void>): Promise<void> => {
    while (!connection.isClosed) {
      await work().catch((error) => {
        if (!connection.isClosed) ledger.refusals.push(String(error));
      });
    }
  };
  const loops = [
    ...Array.from({ length: LANES }, (_, lane) => forever(() => sendTurn(connection, ledger, keyOf(lane), next()))),
    forever(() => inject(connection, ledger, keyOf(0), next())),
    forever(() => label(connection, ledger, keyOf(1), next())),
    forever(() => create(connection, ledger, next())),
  ];
  await Promise.all(loops);
}

/** @throws Error when the gateway refuses, or is gone */
async function ask(connection: ParityConnection, method: string, params: unknown): Promise<unknown> {
  const answer = await connection.call(method, params);
  if (!answer.ok) throw new Error(`${method} was refused: ${answer.error?.message}`);
  return answer.payload;
}

async function sendTurn(
  connection: ParityConnection,
  ledger: Ledger,
  sessionKey: string,
  runId: string,
): Promise<void> {
  const message: SentMessage = { sessionKey, runId, text: `words of ${runId}`, accepted: false, completed: false };
  ledger.messages.push(message);
  const { mark } = connection;
  await ask(connection, "chat.send", { sessionKey, message: message.text, idempotencyKey: runId });
  message.accepted = true;
  const isEnd = ({ event, payload }: { event?: string; payload?: { runId?: string; state?: string } }): boolean =>
    event === "chat" && payload?.runId === runId && payload.state === "final";
  const final = await connection.waitFor(isEnd, mark, 30_000);
  message.completed = final !== null;
}

async function inject(connection: ParityConnection, ledger: Ledger, sessionKey: string, text: string): Promise<void> {
  // A session is made by its first turn, and notes are for sessions that are there.
  if (!ledger.messages.some((message) => message.sessionKey === sessionKey && message.completed)) {
    await Bun.sleep(1);
    return;
  }
  const payload = await ask(connection, "chat.inject", { sessionKey, message: text });
  ledger.notes.push({ sessionKey, text, messageId: (payload as { messageId: string }).messageId });
}

async function label(connection: ParityConnection, ledger: Ledger, key: string, label: string): Promise<void> {
  ledger.labelSent(key, label);
  await ask(connection, "sessions.patch", { key, label });
  ledger.labelAcknowledged(key, label);
}

async function create(connection: ParityConnection, ledger: Ledger, name: string): Promise<void> {
  const key = `agent:main:${name}-made`;
  await ask(connection, "sessions.create", { key });
  ledger.created.push(key);
  await Bun.sleep(5);
}
