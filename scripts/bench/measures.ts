import { BenchClient, openWhenReady } from "./client.ts";
import { cpuMs, memoryMiB } from "./process.ts";
import { median, percentile } from "./statistics.ts";
import type { Running, Subject } from "./subjects.ts";

/** A measured value by name: `health.cpu` in microseconds, and so on; the units are in {@link METRICS}. */
export type Values = Record<string, number>;

/** How much is done. The quick size finds out whether everything works; its figures are rough. */
export interface Size {
  starts: number;
  requests: number;
  latencies: number;
  /** One after the other on one connection. */
  turns: number;
  /** By each of eight connections at the same time. */
  parallelTurns: number;
  clients: number;
  rounds: number;
  idleMs: number;
}

export const FULL: Size = {
  starts: 10,
  requests: 20_000,
  latencies: 2000,
  turns: 100,
  parallelTurns: 125,
  clients: 200,
  rounds: 20,
  idleMs: 3000,
};
export const QUICK: Size = {
  starts: 2,
  requests: 2000,
  latencies: 200,
  turns: 10,
  parallelTurns: 13,
  clients: 200,
  rounds: 3,
  idleMs: 1000,
};

/** Requests that are under way at the same time when throughput and processor time are measured. */
const WINDOW = 16;

/** From the start of the process to hello on the first connection, in milliseconds; the least and the median. */
export async function measureStart(subject: Subject, { starts }: Size): Promise<Values> {
  const times: number[] = [];
  for (let round = 0; round < Math.min(starts, subject.mostStarts); round++) {
    const from = performance.now();
    const running = await subject.start();
    const client = await openWhenReady(running.url, running.token);
    times.push(performance.now() - from);
    client.close();
    await running.stop();
  }
  return { "start.hello": median(times), "start.hello.least": Math.min(...times) };
}

/** Memory after a while without work, in MiB, with children: `idle` after the start, `rest` after everything. */
export async function measureIdle({ pid }: Running, { idleMs }: Size, name: "idle" | "rest"): Promise<Values> {
  await Bun.sleep(idleMs);
  const { rss, pss } = memoryMiB(pid);
  return { [`${name}.rss`]: rss, [`${name}.pss`]: pss };
}

/**
 * One method: processor time of the server per request (microseconds) and throughput with a window of requests under
 * way, then the latency of one request after the other (milliseconds).
 */
export async function measureMethod(
  { url, token, pid, slowdown }: Running,
  { requests, latencies }: Size,
  method: string,
): Promise<Values> {
  const client = await BenchClient.open(url, token);
  const call = (): Promise<unknown> => client.call(method);
  await inWindow(call, 500 / slowdown, WINDOW); // the compiler settles
  const count = Math.ceil(requests / slowdown);
  const before = cpuMs(pid);
  const from = performance.now();
  await inWindow(call, count, WINDOW);
  const seconds = (performance.now() - from) / 1000;
  const cpu = ((cpuMs(pid) - before) / count) * 1000;
  const times: number[] = [];
  for (let index = 0; index < latencies / slowdown; index++) {
    const sent = performance.now();
    await call();
    times.push(performance.now() - sent);
  }
  client.close();
  return {
    [`${method}.cpu`]: cpu,
    [`${method}.rate`]: count / seconds,
    [`${method}.p50`]: median(times),
    [`${method}.p95`]: percentile(times, 0.95),
    [`${method}.p99`]: percentile(times, 0.99),
  };
}

/** Does the work `count` times with up to `window` of them under way. */
async function inWindow(work: () => Promise<unknown>, count: number, window: number): Promise<void> {
  let left = Math.ceil(count);
  const worker = async (): Promise<void> => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: window }, worker));
}

/** One presence event to many clients: from the request that causes it until the last one has it, in milliseconds. */
export async function measureFanOut({ url, token, pid }: Running, { clients, rounds }: Size): Promise<Values> {
  const readers: BenchClient[] = [];
  // A few at a time: gateways admit only so many sockets that have not said hello.
  while (readers.length < clients) {
    const some = Array.from({ length: Math.min(10, clients - readers.length) }, () => BenchClient.open(url, token));
    readers.push(...(await Promise.all(some)));
  }
  const sender = await BenchClient.open(url, token);
  const times: number[] = [];
  const before = cpuMs(pid);
  for (let round = 0; round < rounds; round++) {
    const from = performance.now();
    const arrived = readers.map((reader) => reader.next(({ event }) => event === "presence"));
    await sender.call("system-event", { text: `bench round ${round}` });
    await Promise.all(arrived);
    times.push(performance.now() - from);
  }
  const cpu = (cpuMs(pid) - before) / rounds;
  const { rss } = memoryMiB(pid);
  for (const client of [...readers, sender]) client.close();
  return {
    "fanout.last": median(times),
    "fanout.last.p95": percentile(times, 0.95),
    "fanout.cpu": cpu,
    "fanout.rss": rss,
  };
}
