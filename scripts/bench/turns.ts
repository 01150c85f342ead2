import { BenchClient } from "./client.ts";
import type { Size, Values } from "./measures.ts";
import { cpuMs, memoryMiB } from "./process.ts";
import { median, percentile } from "./statistics.ts";
import type { Running } from "./subjects.ts";

/** Connections that talk at the same time. */
const PARALLEL = 8;
/** After as many turns a session's history has fifty messages. */
const TURNS_OF_A_SESSION = 25;
/** Times that processor time is read; the kernel counts it in steps of 10 ms, so that each spans many turns. */
const READINGS = 5;

/** Turns through the model server, one after the other on one connection and in one session: the first after a start. */
export async function measureChat({ url, token, pid, slowdown }: Running, { turns }: Size): Promise<Values> {
  const client = await BenchClient.open(url, token);
  await turn(client, "agent:main:bench"); // loads what the first turn needs
  const accepted: number[] = [];
  const completed: number[] = [];
  const before = cpuMs(pid);
  const from = performance.now();
  const count = Math.ceil(turns / slowdown);
  for (let index = 0; index < count; index++) {
    const times = await turn(client, "agent:main:bench");
    accepted.push(times.accepted);
    completed.push(times.completed);
  }
  const seconds = (performance.now() - from) / 1000;
  client.close();
  return {
    "chat.accepted": median(accepted),
    "chat.completed": median(completed),
    "chat.completed.p95": percentile(completed, 0.95),
    "chat.rate": count / seconds,
    "chat.cpu": (cpuMs(pid) - before) / count,
  };
}

/**
 * Many turns: eight connections at the same time, each in sessions of fifty messages, and how memory grows meanwhile;
 * then, one turn after the other in those sessions, the processor time of a turn in a process that has been at work.
 */
export async function measureManyTurns(running: Running, { parallelTurns }: Size): Promise<Values> {
  const { url, token, pid, slowdown } = running;
  const clients: BenchClient[] = [];
  for (let index = 0; index < PARALLEL; index++) clients.push(await BenchClient.open(url, token));
  const each = Math.ceil(parallelTurns / slowdown);
  const talk = (from: number, to: number) =>
    Promise.all(
      clients.map(async (client, index) => {
        for (let nth = from; nth < to; nth++) await turn(client, sessionOf(index, nth));
      }),
    );
  const warm = Math.ceil(each / 5);
  await talk(0, warm);
  const early = memoryMiB(pid).rss;
  const began = performance.now();
  await talk(warm, each);
  const seconds = (performance.now() - began) / 1000;
  const growth = memoryMiB(pid).rss - early;
  const rate = ((each - warm) * PARALLEL) / seconds;
  const cpu = await processorTime(clients[0]!, pid, each);
  for (const client of clients) client.close();
  return { "turns.rate": rate, "turns.growth": growth, "turns.cpu": cpu };
}

/** Median over some readings of the processor time of a turn in sessions whose history is long already, in ms. */
async function processorTime(client: BenchClient, pid: number, turnsOfEach: number): Promise<number> {
  const full = Math.max(1, Math.floor(turnsOfEach / TURNS_OF_A_SESSION));
  const keys = Array.from({ length: PARALLEL * full }, (_, at) =>
    sessionOf(at % PARALLEL, Math.floor(at / PARALLEL) * TURNS_OF_A_SESSION),
  );
  const readings: number[] = [];
  for (let reading = 0; reading < READINGS; reading++) {
    const before = cpuMs(pid);
    for (const key of keys) await turn(client, key);
    readings.push((cpuMs(pid) - before) / keys.length);
  }
  return median(readings);
}

const sessionOf = (connection: number, nth: number): string =>
  `agent:main:bench-turns-${connection}-${Math.floor(nth / TURNS_OF_A_SESSION)}`;

let turnsBegun = 0;

/** One turn from its request to its last event, in milliseconds. @throws Error when it ends in any other way */
async function turn(client: BenchClient, sessionKey: string): Promise<{ accepted: number; completed: number }> {
  const runId = `bench-${Date.now()}-${++turnsBegun}`;
  const sent = performance.now();
  const final = client.next(({ event, payload }) => {
    return event === "chat" && payload.runId === runId && ["final", "error", "aborted"].includes(payload.state);
  });
  await client.call("chat.send", { sessionKey, message: "a few words to say", idempotencyKey: runId });
  const accepted = performance.now() - sent;
  const { payload } = await final;
  if (payload.state !== "final") throw new Error(`a turn ended as ${payload.state}: ${payload.errorMessage}`);
  return { accepted, completed: performance.now() - sent };
}
