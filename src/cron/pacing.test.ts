import { afterEach, expect, test } from "bun:test";
import { type CronGateway, HOUR, startCronGateway, turnJob } from "./testing.ts";

const MINUTE = 60_000;
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(): Promise<CronGateway> {
  const gateway = await startCronGateway();
  closers.push(() => gateway.stop());
  return gateway;
}

const paced = (over: object = {}) =>
  turnJob({
    pacing: { min: "10m", max: "2h" },
    payload: { kind: "agentTurn", message: "go\nSLOW:4 one" },
    ...over,
  });

/** Says in the turn at work of a job, as its tool does, when it is to look again; gives the milliseconds that count. */
async function wish({ services }: CronGateway, id: string, text: string): Promise<number> {
  for (;;) {
    const [runId] = services.runs.activeRunIds(`agent:main:cron:${id}`);
    if (runId !== undefined) return services.cron.nextCheck(runId, text);
    await Bun.sleep(2);
  }
}

for (const [wanted, minutes] of [
  ["30m", 30],
  ["1s", 10],
  ["3d", 120],
] as const) {
  test(`a turn that wants ${wanted} looks again ${minutes} minutes after its end`, async () => {
    const gateway = await start();
    const { id } = await gateway.client.call("cron.add", paced());
    await gateway.pass(HOUR);
    expect(await wish(gateway, id, wanted)).toBe(minutes * MINUTE);
    const ended = await gateway.finished(id);
    expect(ended).toMatchObject({ status: "ok", nextRunAtMs: gateway.clock.now() + minutes * MINUTE });
    await gateway.pass(minutes * MINUTE - 1);
    expect((await gateway.client.call("cron.runs", { id })).total).toBe(1);
    await gateway.pass(1);
    expect((await gateway.ran(id, 2)).total).toBe(2);
  });
}

test("without a wish, by hand, and when the turn is stopped the job keeps its times", async () => {
  const gateway = await start();
  const { client, clock } = gateway;
  const began = clock.now();
  const byHand = await client.call("cron.add", paced());
  await client.call("cron.run", { id: byHand.id });
  await wish(gateway, byHand.id, "30m");
  expect((await gateway.finished(byHand.id)).job.state.nextRunAtMs).toBe(began + HOUR);
  await client.call("cron.remove", { id: byHand.id });
  const silent = await client.call("cron.add", paced());
  const stopped = await client.call(
    "cron.add",
    paced({ payload: { kind: "agentTurn", message: "go\nSLOW:60000 a b" } }),
  );
  await gateway.pass(HOUR);
  await wish(gateway, stopped.id, "30m");
  await client.call("sessions.abort", { key: `agent:main:cron:${stopped.id}` });
  expect(await gateway.finished(stopped.id)).toMatchObject({ status: "error", nextRunAtMs: began + 2 * HOUR });
  expect(await gateway.finished(silent.id)).toMatchObject({ status: "ok", nextRunAtMs: began + 2 * HOUR });
});

test("only the turn of a job with pacing may wish, and for a duration", async () => {
  const gateway = await start();
  const { id } = await gateway.client.call("cron.add", paced());
  const unpaced = await gateway.client.call("cron.add", paced({ pacing: undefined }));
  await gateway.pass(HOUR);
  await expect(wish(gateway, id, "soon")).rejects.toThrow("in must be a positive duration");
  await expect(wish(gateway, unpaced.id, "30m")).rejects.toThrow("the running turn of a job with pacing");
  await Promise.all([gateway.finished(id), gateway.finished(unpaced.id)]);
});
