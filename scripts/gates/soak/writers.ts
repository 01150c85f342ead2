import type { Frame } from "../../../src/parity/socket.ts";
import { perform, type Stage } from "./actors.ts";
import { SoakClient, Unanswered } from "./client.ts";
import type { Turn } from "./ledger.ts";

/** Turns of one session before the next one: all fit on a page of chat.history. */
const TURNS_PER_SESSION = 150;
const FINAL_MS = 40_000;
const ENDS = new Set(["final", "aborted", "error"]);

/** Sends turns, one after the other, each with a key of its own; sends again what was not answered, and now and then what was. */
export async function chatWriter(stage: Stage, name: string, gapMs: number): Promise<void> {
  const { ledger } = stage;
  let count = 0;
  let open: { turn: Turn; sessionKey: string } | undefined;
  await perform(stage, {}, async (client) => {
    const finals = new Map<string, (state: string) => void>();
    client.onEvent = ({ event, payload }: Frame) => {
      if (event === "chat" && ENDS.has(payload.state)) finals.get(payload.runId)?.(payload.state);
    };
    while (stage.isOn() && !client.isClosed) {
      const isRetry = open !== undefined;
      if (open === undefined) {
        const sessionKey = `agent:main:soak-${name}-${Math.floor(count / TURNS_PER_SESSION)}`;
        const runId = `${name}-${++count}`;
        open = { sessionKey, turn: ledger.turn(sessionKey, runId, `words of ${runId}`) };
      }
      const { sessionKey, turn } = open;
      const { promise, resolve } = Promise.withResolvers<string | null>();
      finals.set(turn.runId, resolve);
      const timer = setTimeout(() => resolve("late"), FINAL_MS);
      void client.closed.then(() => resolve(null));
      const params = { sessionKey, message: turn.text, idempotencyKey: turn.runId };
      const { status } = await client.call("chat.send", params, { first: true });
      open = undefined;
      turn.accepted = true;
      ledger.acknowledged++;
      ledger.count(isRetry ? "turns sent again" : "turns");
      const state = status === "started" ? await promise : "known";
      clearTimeout(timer);
      finals.delete(turn.runId);
      if (state === "final") turn.completed = true;
      else if (state === "aborted" && (await stops(client))) ledger.count("turns ended by a stop");
      else if (state !== null && state !== "known") ledger.problem(`a turn ended with ${state}`);
      if (state !== null && stage.random() < 0.05) {
        const again = await client.call("chat.send", params, { first: true });
        if (again.status === "started") ledger.problem("a key was served twice");
        ledger.count("keys repeated");
      }
      await stage.pause(gapMs * (0.5 + stage.random()));
    }
  });
}

/** A gateway that stops ends its runs first, and the connections right after. */
const stops = (client: SoakClient): Promise<boolean> =>
  Promise.race([client.closed.then(() => true), Bun.sleep(5000).then(() => false)]);

/** Makes, names and deletes sessions. */
export async function sessionWriter(stage: Stage, name: string, gapMs: number): Promise<void> {
  const { ledger } = stage;
  const alive: string[] = [];
  let count = 0;
  await perform(stage, {}, async (client) => {
    const key = `agent:main:soak-${name}-${++count}`;
    const made = ledger.changing(ledger.sessions, key, "");
    await client.call("sessions.create", { key });
    made();
    alive.push(key);
    for (const word of ["one", "two"]) {
      const label = `${word} of ${key}`;
      const named = ledger.changing(ledger.sessions, key, label);
      await client.call("sessions.patch", { key, label });
      named();
    }
    if (alive.length > 150) {
      const [old] = alive.splice(Math.floor(stage.random() * 100), 1);
      const gone = ledger.removing(ledger.sessions, old!);
      await client.call("sessions.delete", { key: old, deleteTranscript: true });
      gone();
    }
    ledger.count("sessions");
    await stage.pause(gapMs * (0.5 + stage.random()));
  });
}

/** Adds, renames and removes scheduled jobs, some of them due soon and once. */
export async function cronWriter(stage: Stage, name: string, gapMs: number): Promise<void> {
  const { ledger } = stage;
  const alive: string[] = [];
  let count = 0;
  await perform(stage, {}, async (client) => {
    const title = `${name} ${++count}`;
    const isOnce = count % 5 === 0;
    const at = Date.now() + 5000 + Math.floor(stage.random() * 60_000);
    const { id } = await client.call("cron.add", {
      name: title,
      schedule: isOnce ? { kind: "at", at: new Date(at).toISOString() } : { kind: "every", everyMs: 86_400_000 },
      ...(isOnce && { deleteAfterRun: false }),
      sessionTarget: "isolated",
      wakeMode: "next-heartbeat",
      payload: { kind: "agentTurn", message: `cron ${title}` },
      delivery: { mode: "none" },
    });
    ledger.changing(ledger.jobs, id, title)();
    if (isOnce) ledger.once.set(id, at);
    else alive.push(id);
    const renamed = ledger.changing(ledger.jobs, id, `${title} again`);
    await client.call("cron.update", { id, patch: { name: `${title} again` } });
    renamed();
    if (alive.length > 100) {
      const [old] = alive.splice(Math.floor(stage.random() * 50), 1);
      const gone = ledger.removing(ledger.jobs, old!);
      await client.call("cron.remove", { id: old });
      gone();
    }
    ledger.count("jobs");
    await stage.pause(gapMs * (0.5 + stage.random()));
  });
}

/** Asks for approvals, and decides about them on the connection of another device, as a person does. */
export async function approvalWriter(stage: Stage, name: string, gapMs: number): Promise<void> {
  const { ledger } = stage;
  const client = { id: "cli", mode: "cli" };
  let count = 0;
  await perform(stage, { client, caps: ["approvals"], device: "soak-reviewer" }, async (reviewer) => {
    const asker = await SoakClient.open(stage.target);
    try {
      while (stage.isOn() && !asker.isClosed && !reviewer.isClosed) {
        const id = `${name}-${++count}`;
        const decision = stage.random() < 0.5 ? "allow-once" : "deny";
        const params = { id, command: `ls ${count}`, timeoutMs: 60_000, twoPhase: true };
        const asked = asker.call("exec.approval.request", params);
        asked.catch(() => {});
        await waitUntilKnown(reviewer, id);
        await reviewer.call("exec.approval.resolve", { id, decision });
        ledger.approved(id, decision);
        const answer = await asked;
        if (answer.decision !== decision) ledger.problem(`an approval was decided ${answer.decision}, not ${decision}`);
        ledger.count("approvals");
        await stage.pause(gapMs * (0.5 + stage.random()));
      }
    } finally {
      asker.close();
    }
  });
}

async function waitUntilKnown(client: SoakClient, id: string): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const list = (await client.call("exec.approval.list")) as { id: string }[];
    if (list.some((each) => each.id === id)) return;
    await Bun.sleep(20);
  }
  throw new Unanswered("an approval was not listed");
}
