import { Database } from "bun:sqlite";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ParityConnection, type Target } from "../connection.ts";
import type { InjectedNote, Ledger, SentMessage } from "./ledger.ts";

/** A message as `chat.history` shows it. */
interface HistoryMessage {
  role: string;
  content: string | { type: string; text?: string }[];
  idempotencyKey?: string;
  __openclaw: { id: string; seq: number };
}

/** What `chat.history` knows of a session: its transcript, and messages that were accepted and have not reached it. */
interface History {
  messages: HistoryMessage[];
  pendingInputs: { items: { runId: string; message: { content: HistoryMessage["content"] } }[] };
}

const HISTORY_LIMIT = 1000;

/** What SQLite says of every database in the folder, while nobody has it open; one line for each thing that is wrong. */
export function databaseProblems(stateDir: string): string[] {
  const files = readdirSync(stateDir, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".sqlite"));
  if (files.length === 0) return [`there is no database in ${stateDir}`];
  return files.flatMap((file) => {
    // Not read-only: opening it does what the next start would do, and takes over what stands in the write-ahead log.
    const db = new Database(join(stateDir, file), { readwrite: true, create: false });
    try {
      const integrity = db.query<{ integrity_check: string }, []>("PRAGMA integrity_check").all();
      const foreign = db.query<{ table: string }, []>("PRAGMA foreign_key_check").all();
      const wrong = integrity.map((row) => row.integrity_check).filter((line) => line !== "ok");
      return [...wrong, ...foreign.map(({ table }) => `a row of ${table} refers to nothing`)].map(
        (line) => `${file}: ${line}`,
      );
    } finally {
      db.close();
    }
  });
}

/** Compares a restarted gateway with what its clients were told before it was killed. One line for each broken promise. */
export async function brokenPromises(target: Target, ledger: Ledger): Promise<string[]> {
  const connection = await ParityConnection.open(target, {});
  try {
    const checker = new Checker(connection, ledger);
    await checker.run();
    return checker.problems;
  } finally {
    await connection.close();
  }
}

class Checker {
  readonly problems: string[] = [];

  constructor(
    private readonly connection: ParityConnection,
    private readonly ledger: Ledger,
  ) {}

  async run(): Promise<void> {
    const { messages, notes, created, labels } = this.ledger;
    const sessions = new Set(messages.map(({ sessionKey }) => sessionKey));
    for (const key of sessions) {
      const sent = messages.filter(({ sessionKey }) => sessionKey === key);
      this.checkHistory(
        key,
        await this.history(key),
        sent,
        notes.filter(({ sessionKey }) => sessionKey === key),
      );
      await this.checkReplay(key, sent);
    }
    for (const key of created) {
      if ((await this.describe(key)) === null) this.problems.push(`${key} was created and is gone`);
    }
    for (const [key, { acknowledged, pending }] of labels) {
      const label = (await this.describe(key))?.label;
      if (![acknowledged, ...pending].includes(label)) {
        this.problems.push(
          `${key} has the label ${label}; acknowledged was ${acknowledged}, sent later ${pending.join(", ")}`,
        );
      }
    }
  }

  private checkHistory(
    key: string,
    { messages: history, pendingInputs }: History,
    sent: SentMessage[],
    notes: InjectedNote[],
  ): void {
    const say = (problem: string): number => this.problems.push(`${key}: ${problem}`);
    const seqs = history.map((message) => message.__openclaw.seq);
    if (seqs.some((seq, index) => index > 0 && seq !== seqs[index - 1]! + 1)) say(`positions are ${seqs.join(" ")}`);
    for (const { runId, text, accepted, completed } of sent) {
      const asked: Pick<HistoryMessage, "content">[] = [
        ...history.filter(({ idempotencyKey }) => idempotencyKey === `${runId}:user`),
        ...pendingInputs.items.filter((item) => item.runId === runId).map(({ message }) => message),
      ];
      if (asked.length > 1) say(`${runId} is stored ${asked.length} times`);
      if (accepted && asked.length === 0) say(`${runId} was accepted and is gone`);
      if (asked[0] && textOf(asked[0]) !== text) say(`${runId} was stored as ${JSON.stringify(textOf(asked[0]))}`);
      const answers = history.filter((message) => message.role === "assistant" && textOf(message).endsWith(text));
      if (completed && answers.length !== 1)
        say(`the answer of ${runId} was delivered and is stored ${answers.length} times`);
    }
    for (const { messageId, text } of notes) {
      const note = history.find((message) => message.__openclaw.id === messageId);
      if (note === undefined) say(`the note ${text} was acknowledged and is gone`);
      else if (textOf(note) !== text) say(`the note ${text} was stored as ${JSON.stringify(textOf(note))}`);
    }
  }

  /** The same request again must not do anything again, and its key must not serve for another text. */
  private async checkReplay(key: string, sent: SentMessage[]): Promise<void> {
    const last = sent.findLast(({ accepted }) => accepted);
    if (last === undefined) return;
    const { runId: idempotencyKey, text, sessionKey } = last;
    const before = await this.history(key);
    const again = await this.connection.call("chat.send", { sessionKey, message: text, idempotencyKey });
    // A run that the kill has cut off may answer with its error, but never begin anew.
    if (again.ok && again.payload.status === "started") this.problems.push(`${idempotencyKey} was run again`);
    const other = await this.connection.call("chat.send", { sessionKey, message: "another text", idempotencyKey });
    if (other.ok) this.problems.push(`the key ${idempotencyKey} served for another text`);
    const after = await this.history(key);
    const stored = ({ messages, pendingInputs }: History): number =>
      messages.filter(({ role }) => role === "user").length + pendingInputs.items.length;
    if (stored(after) !== stored(before)) this.problems.push(`${idempotencyKey} was stored again`);
  }

  private history(sessionKey: string): Promise<History> {
    return this.ask("chat.history", { sessionKey, limit: HISTORY_LIMIT });
  }

  private async describe(key: string): Promise<{ label?: string } | null> {
    return (await this.ask("sessions.describe", { key })).session;
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers of several methods
  private async ask(method: string, params: unknown): Promise<any> {
    const answer = await this.connection.call(method, params);
    if (!answer.ok) throw new Error(`${method}: ${answer.error?.message}`);
    return answer.payload;
  }
}

const textOf = ({ content }: Pick<HistoryMessage, "content">): string =>
  typeof content === "string" ? content : content.map(({ text }) => text ?? "").join("");
