import type { Target } from "../../../src/parity/connection.ts";
import { Refused, SoakClient } from "./client.ts";
import type { Ledger, Thing, Turn } from "./ledger.ts";

interface HistoryMessage {
  role: string;
  content: string | { text?: string }[];
  idempotencyKey?: string;
}

const PAGE = 1000;

/** Compares a gateway with what its clients were told. One line for each broken promise. */
export async function verify(target: Target, ledger: Ledger): Promise<{ problems: string[]; checked: number }> {
  const client = await SoakClient.open(target);
  const problems: string[] = [];
  let checked = 0;
  const say = (text: string) => problems.push(text);
  for (const [key, turns] of ledger.turns) {
    checked += turns.length;
    checkTurns(key, turns, await client.call("chat.history", { sessionKey: key, limit: PAGE }), say);
  }
  for (const [key, thing] of ledger.sessions) {
    checked++;
    const { session } = await client.call("sessions.describe", { key });
    checkThing(key, thing, session === null ? null : (session.label ?? ""), say);
  }
  for (const [id, thing] of ledger.jobs) {
    checked++;
    const job = await client.call("cron.get", { id }).catch(absent);
    checkThing(`job ${id}`, thing, job?.name ?? null, say);
  }
  for (const [id, at] of ledger.once) {
    if (at > Date.now() - 60_000) continue;
    checked++;
    const { entries } = await client.call("cron.runs", { id });
    if (entries.length !== 1) say(`job ${id}, due once, has ${entries.length} runs`);
  }
  for (const [id, decision] of ledger.approvals) {
    checked++;
    const found = await client.call("approval.get", { id }).catch(absent);
    const kept = found?.approval?.decision ?? found?.approval?.status;
    if (!found) say(`the decided approval ${id} is gone`);
    else if (kept !== decision && kept !== DECIDED[decision]) say(`the approval ${id} is ${kept}, not ${decision}`);
  }
  client.close();
  return { problems, checked };
}

const DECIDED: Record<string, string> = { "allow-once": "allowed", deny: "denied" };

function absent(error: unknown): null {
  if (error instanceof Refused && error.error.code !== "UNAVAILABLE") return null;
  throw error;
}

function checkThing(name: string, { value, maybe, removed }: Thing, found: string | null, say: (text: string) => void) {
  if (removed === "yes") {
    if (found !== null) say(`${name} was removed and is there`);
  } else if (found === null) {
    if (removed === "no" && value !== undefined) say(`${name} was acknowledged and is gone`);
  } else if (found !== value && !maybe.includes(found)) say(`${name} is "${found}"; acknowledged was "${value}"`);
}

function checkTurns(
  key: string,
  turns: readonly Turn[],
  history: { messages: HistoryMessage[]; pendingInputs: { items: { runId: string }[] } },
  say: (text: string) => void,
): void {
  const asked = new Map<string, number>();
  const answers = new Map<string, number>();
  const add = (to: Map<string, number>, what: string | undefined) => what && to.set(what, (to.get(what) ?? 0) + 1);
  for (const message of history.messages) {
    if (message.role === "user") add(asked, message.idempotencyKey?.replace(/:user$/, ""));
    else if (message.role === "assistant") add(answers, /words of \S+$/.exec(textOf(message))?.[0]);
  }
  for (const { runId } of history.pendingInputs.items) add(asked, runId);
  for (const { runId, text, accepted, completed } of turns) {
    const stored = asked.get(runId) ?? 0;
    if (stored > 1) say(`${key}: ${runId} is stored ${stored} times`);
    if (accepted && stored === 0) say(`${key}: ${runId} was acknowledged and is gone`);
    const answered = answers.get(text) ?? 0;
    if (answered > 1 || (completed && answered === 0))
      say(`${key}: the answer of ${runId} is stored ${answered} times`);
  }
}

const textOf = ({ content }: HistoryMessage): string =>
  typeof content === "string" ? content : content.map(({ text }) => text ?? "").join("");
