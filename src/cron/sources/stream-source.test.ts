import { expect, test } from "bun:test";
import type { Job } from "../job.ts";
import { StreamSource } from "./stream-source.ts";
import type { SourcePorts } from "./types.ts";

const MINUTE = 60_000;

/** A source whose job is kept in memory, and whose waits pass at once. `life` is what the clock says each command lived. */
function sourceOf(script: string, options: { life?: number; refusal?: string } = {}) {
  const schedule = { kind: "stream" as const, command: ["sh", "-c", script], batchMs: 50 };
  const started = { id: "job", enabled: true, schedule, state: { streamSourceIdentity: "a" } };
  const seen = { job: started as unknown as Job, waits: [] as number[], fired: [] as string[], refusals: 0 };
  const { promise: failed, resolve } = Promise.withResolvers<string>();
  let now = 0;
  const change = (job: Job | null): boolean => {
    if (job !== null) seen.job = job;
    return job !== null;
  };
  const ports: SourcePorts = {
    async fire(_id, words, decide) {
      if (!change(decide(seen.job))) return "gone";
      seen.fired.push(words);
      return "begun";
    },
    async fail(_id, error, decide) {
      if (!change(decide(seen.job))) return "gone";
      resolve(error);
      return "begun";
    },
    async note(_id, decide) {
      const state = decide(seen.job);
      if (state !== null) seen.job = { ...seen.job, state };
    },
    async refusal() {
      seen.refusals++;
      return options.refusal ?? null;
    },
    now: () => (now += options.life ?? 0),
    async wait(ms) {
      seen.waits.push(ms);
    },
  };
  const errors: unknown[] = [];
  const source = new StreamSource(seen.job, schedule, process.cwd(), ports, (error) => errors.push(error));
  return { source, seen, failed, errors };
}

test("a command that ends soon is started again and given up after five times, with a record", async () => {
  const { source, seen, failed, errors } = sourceOf("exit 4");
  expect(await failed).toBe("stream source exited (exit, code 4)");
  expect(seen.waits).toEqual([MINUTE / 2, MINUTE, 5 * MINUTE, 15 * MINUTE]);
  expect(seen.job.state).toMatchObject({
    streamStatus: "error",
    streamRestartExhausted: true,
    streamConsecutiveFailures: 5,
    consecutiveErrors: 4,
    streamError: "stream source exited (exit, code 4)",
  });
  await source.stop();
  expect(errors).toEqual([]);
});

test("one that lived long enough does not count as a failure", async () => {
  const { source, seen } = sourceOf("true", { life: MINUTE });
  while (seen.waits.length < 7) await Bun.sleep(5);
  expect(seen.waits.every((ms) => ms === MINUTE / 2)).toBe(true);
  expect(seen.job.state.streamRestartExhausted).toBeUndefined();
  await source.stop();
});

test("each start is judged; what may not run is not run", async () => {
  const { source, seen, failed } = sourceOf("echo never", { refusal: "Not this one." });
  expect(await failed).toBe("Not this one.");
  expect(seen).toMatchObject({ refusals: 5, fired: [] });
  await source.stop();
});

test("once its job means another source, it changes and begins nothing", async () => {
  const { source, seen } = sourceOf("sleep 0.2; echo late; sleep 300");
  while (seen.job.state.streamStatus !== "running") await Bun.sleep(5);
  seen.job = { ...seen.job, state: { streamSourceIdentity: "b" } };
  await Bun.sleep(400);
  await source.stop();
  expect(seen.fired).toEqual([]);
  expect(seen.job.state).toEqual({ streamSourceIdentity: "b" });
});
