import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomFrom } from "../parity/kill/random.ts";
import type { StoredMessage } from "../sessions/types.ts";
import { QUEUE_DROPS } from "./runs/queue-settings.ts";
import { textOf } from "./runs/types.ts";
import { type ChatGateway, freshKey, startChatGateway } from "./testing/chat-gateway.ts";

const AT_ONCE = 2;
const MESSAGES = 50;

let gateway: ChatGateway;
beforeAll(async () => {
  const defaults = { model: { primary: "mock/mock-1" }, maxConcurrent: AT_ONCE };
  gateway = await startChatGateway({ config: { agents: { defaults } } as never });
});
afterAll(() => gateway.stop());

/** Numbers of the messages that a transcript's message tells of, oldest first: one, or several that were put together. */
const numbersIn = (message: StoredMessage): number[] =>
  [...textOf(message.content).matchAll(/\bm(\d+)\b/g)].map(([, n]) => Number(n));

const isShownOnly = ({ extra }: StoredMessage): boolean => extra?.excludeFromContext === true;

/** Overlapping runs of one session, and how many were at work at most, seen from the outside by the frames of runs. */
function watchRuns() {
  const open = new Map<string, string>();
  const overlaps: string[] = [];
  let most = 0;
  const stop = gateway.services.bus.subscribe(({ event, payload }) => {
    const frame = payload as { stream?: string; runId: string; sessionKey: string; data?: { phase?: string } };
    if (event !== "agent" || frame.stream !== "lifecycle" || frame.data?.phase !== "model") return;
    const { runId, sessionKey, data } = frame as typeof frame & { data: { provider: string | null } };
    const current = open.get(sessionKey);
    if (data.provider === null) {
      if (current === runId) open.delete(sessionKey);
      return;
    }
    if (current !== undefined && current !== runId) overlaps.push(`${sessionKey}: ${current} and ${runId}`);
    open.set(sessionKey, runId);
    most = Math.max(most, open.size, gateway.services.runs.atWork);
  });
  return { overlaps, stop, most: () => most };
}

const MODES = ["steer", "followup", "collect", "interrupt", undefined] as const;

/** Every accepted message with what became of its key. */
type Sent = Map<string, { sessionKey: string; n: number }>;

async function play(seed: number, rooms: ReturnType<typeof freshKey>[]): Promise<Sent> {
  const { client, services } = gateway;
  const next = randomFrom(seed);
  const pick = (below: number): number => Math.floor(next() * below);
  for (const { sessionKey } of rooms) {
    await services.sessions.setOverrides(sessionKey, {
      queue: { debounceMs: pick(12), cap: 1 + pick(6), drop: QUEUE_DROPS[pick(QUEUE_DROPS.length)] },
    });
  }
  const sent: Sent = new Map();
  for (let n = 0; n < MESSAGES; n++) {
    const { sessionKey, id } = rooms[pick(rooms.length)]!;
    const directive = [`SLOW:${pick(12)} `, "FAIL:400 ", "", "", ""][pick(5)]!;
    const idempotencyKey = id(`s${seed}-${n}`);
    const queueMode = MODES[pick(MODES.length)];
    const params = { sessionKey, message: `${directive}m${n} x y`, idempotencyKey, ...(queueMode && { queueMode }) };
    const sends = [client.call("chat.send", params)];
    sent.set(idempotencyKey, { sessionKey, n });
    // A client that is not sure sends again, before or after the first answer.
    if (pick(5) === 0) sends.push(client.call("chat.send", params));
    if (pick(2) === 0) await Promise.all(sends);
    if (pick(7) === 0) {
      const [runId, { sessionKey: key }] = [...sent][pick(sent.size)]!;
      await client.call("chat.abort", pick(5) === 0 ? { sessionKey: key } : { sessionKey: key, runId });
    }
    if (pick(6) === 0) await Bun.sleep(pick(20));
  }
  return sent;
}

test.each(Array.from({ length: 12 }, (_, index) => 101 + index))(
  "random schedule %i: in order, each once, none lost, one run per session and no more at once than may be",
  async (seed) => {
    const { client, services } = gateway;
    const rooms = Array.from({ length: 4 }, () => freshKey());
    const watched = watchRuns();
    const sent = await play(seed, rooms);
    for (const runId of sent.keys()) {
      const { status } = await client.call("agent.wait", { runId, timeoutMs: 20_000 });
      expect([runId, status]).not.toEqual([runId, "timeout"]);
    }
    while (services.runs.atWork + services.runs.waiting > 0) await Bun.sleep(5);
    watched.stop();
    expect(watched.overlaps).toEqual([]);
    expect(watched.most()).toBe(AT_ONCE);
    for (const { sessionKey } of rooms) {
      const stored = (await services.sessions.recent(sessionKey, 500)).filter((message) => !message.isSummary);
      const said = stored.filter((message) => message.role === "user" && !isShownOnly(message)).flatMap(numbersIn);
      // Order and uniqueness in one: strictly ascending.
      expect([seed, said]).toEqual([seed, [...new Set(said)].sort((a, b) => a - b)]);
      const refused = stored.filter((message) => message.role === "user" && isShownOnly(message)).flatMap(numbersIn);
      const waiting = services.runs.pendingInputs(sessionKey);
      expect(waiting.filter(({ state }) => state === "queued")).toEqual([]);
      const unsaid = waiting.flatMap(({ message }) => numbersIn(message as StoredMessage));
      const mine = [...sent.values()].filter((each) => each.sessionKey === sessionKey).map(({ n }) => n);
      expect([seed, [...said, ...refused, ...unsaid].sort((a, b) => a - b)]).toEqual([seed, mine]);
      expect(answersOutOfOrder(stored)).toEqual([]);
      expect(services.runs.activeRunIds(sessionKey)).toEqual([]);
    }
  },
  60_000,
);

/** Answers that do not belong to the last thing that was said before them. */
function answersOutOfOrder(stored: readonly StoredMessage[]): string[] {
  const wrong: string[] = [];
  let heard = "";
  for (const message of stored) {
    const text = textOf(message.content);
    if (message.role === "user" && !isShownOnly(message)) heard = text;
    else if (message.role === "assistant" && text.startsWith("echo: ")) {
      const echoed = text.slice("echo: ".length);
      if (!heard.includes(echoed)) wrong.push(`"${text}" behind "${heard}"`);
    }
  }
  return wrong;
}
