import { type ChatGateway, startChatGateway } from "../agents/testing/chat-gateway.ts";
import type { Payload, TestGatewayOptions } from "../gateway/testing.ts";
import { ManualClock } from "../platform/clock.ts";

export interface CronGateway extends ChatGateway {
  clock: ManualClock;
  /** Lets time pass and begins what is due then. */
  pass(ms: number): Promise<void>;
  /** The next event that a job's run has ended, or the first one from `from` on. */
  finished(jobId: string, from?: number): Promise<Payload>;
  /** The history of a job once it has so many runs. */
  ran(jobId: string, count?: number): Promise<Payload>;
}

export interface CronGatewayOptions extends TestGatewayOptions {
  clock?: ManualClock;
  /** The heartbeat of all agents; none unless told. */
  heartbeat?: object;
}

/** A gateway with a model server and a clock that stands still. */
export async function startCronGateway(options: CronGatewayOptions = {}): Promise<CronGateway> {
  const { clock = new ManualClock() } = options;
  const { heartbeat = { every: "0m" }, ...others } = options;
  const agents = { defaults: { model: { primary: "mock/mock-1" }, heartbeat } } as never;
  const gateway = await startChatGateway({ ...others, config: { agents, ...options.config }, clock });
  const { scheduler } = gateway.services;
  const { client } = gateway;
  const isEnd = (jobId: string) => (payload: { jobId: string; action: string }) =>
    payload.jobId === jobId && payload.action === "finished";
  return {
    ...gateway,
    clock,
    async ran(id, count = 1) {
      for (;;) {
        const from = client.frames.length;
        const page = await client.call("cron.runs", { id });
        if (page.total >= count) return page;
        await client.event("cron", isEnd(id), from);
      }
    },
    async pass(ms) {
      clock.advance(ms);
      await scheduler.tick();
    },
    async finished(jobId, from = 0) {
      return (await client.event("cron", isEnd(jobId), from)).payload;
    },
  };
}

/** A job that asks the model, once an hour, and delivers nothing. */
export const turnJob = (over: object = {}) => ({
  name: "hourly",
  schedule: { kind: "every", everyMs: 3_600_000 },
  sessionTarget: "isolated",
  wakeMode: "next-heartbeat",
  payload: { kind: "agentTurn", message: "say hi" },
  delivery: { mode: "none" },
  ...over,
});

export const HOUR = 3_600_000;
