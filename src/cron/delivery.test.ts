import { afterAll, beforeAll, expect, test } from "bun:test";
import { deliver } from "./delivery.ts";
import { entryOf } from "./outcome.ts";
import { type CronGateway, startCronGateway, turnJob } from "./testing.ts";

const received: { auth: string | null; type: string | null; body: Record<string, unknown> }[] = [];
const receiver = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    if (request.url.endsWith("/broken")) return new Response("no", { status: 500 });
    const { headers } = request;
    received.push({
      auth: headers.get("authorization"),
      type: headers.get("content-type"),
      body: (await request.json()) as Record<string, unknown>,
    });
    return new Response();
  },
});
let gateway: CronGateway;
beforeAll(async () => {
  const webhookSsrfPolicy = { allowedHostnames: ["127.0.0.1"] };
  gateway = await startCronGateway({ config: { cron: { webhookToken: "hook-secret-0123456789", webhookSsrfPolicy } } });
});
afterAll(async () => {
  await gateway.stop();
  await receiver.stop(true);
});

/** Runs a new job by hand and gives what its end tells. */
async function run(over: object) {
  const { id } = await gateway.client.call("cron.add", turnJob(over));
  await gateway.client.call("cron.run", { id });
  const end = await gateway.finished(id);
  await gateway.client.call("cron.remove", { id });
  return { id, end };
}
const webhook = (path: string, over: object = {}) => ({
  mode: "webhook",
  to: `http://127.0.0.1:${receiver.port}${path}`,
  ...over,
});

test("a webhook gets the result with the bearer token", async () => {
  const { id, end } = await run({ delivery: webhook("/in") });
  expect(end).toMatchObject({
    status: "ok",
    completionStatus: "succeeded",
    delivered: true,
    deliveryStatus: "delivered",
  });
  expect(received).toHaveLength(1);
  expect(received[0]).toMatchObject({ auth: "Bearer hook-secret-0123456789", type: "application/json" });
  expect(received[0]!.body).toMatchObject({ action: "finished", jobId: id, status: "ok", summary: "echo: say hi" });
});

test("a run that went well stays well when its webhook does not take the result, but is not complete", async () => {
  const { end } = await run({ delivery: webhook("/broken") });
  expect(end).toMatchObject({
    status: "ok",
    completionStatus: "failed",
    deliveryError: "The receiver answered HTTP 500",
  });
  expect(end.job.state.consecutiveErrors).toBe(0);
  const { end: easy } = await run({ delivery: webhook("/broken", { bestEffort: true }) });
  expect(easy).toMatchObject({ completionStatus: "succeeded", deliveryStatus: "not-delivered" });
});

test("attack 91: a webhook to what only this machine reaches is not called", async () => {
  const before = received.length;
  for (const host of ["localhost", "[::ffff:127.0.0.1]", "169.254.169.254"]) {
    const { end } = await run({ delivery: { mode: "webhook", to: `http://${host}:${receiver.port}/in` } });
    expect(end).toMatchObject({ status: "ok", completionStatus: "failed", deliveryStatus: "not-delivered" });
    expect(end.deliveryError).toContain("Blocked hostname");
  }
  expect(received).toHaveLength(before);
});

test("silence is not delivered and is no failure", async () => {
  const before = received.length;
  const { id } = await gateway.client.call("cron.add", turnJob({ delivery: webhook("/in") }));
  const job = await gateway.client.call("cron.get", { id });
  const { config, log } = gateway.services;
  const announcer = {
    placeOf: () => Promise.reject(new Error("silence needs no place")),
    send: () => Promise.reject(new Error("silence is not sent")),
  };
  const run = { jobId: id, runId: "r", runAtMs: 0, durationMs: 0 };
  for (const [summary, suppressed] of [
    ["NO_REPLY", "silent"],
    [" ", "empty"],
  ] as const) {
    const { report } = await deliver(job, { status: "ok", summary }, run, { config, log, announcer });
    expect(report).toMatchObject({ status: "not-delivered", suppressed });
    const entry = entryOf({ ...run, startedAt: 0, endedAt: 0 }, { status: "ok", summary }, report);
    expect(entry.completionStatus).toBe("succeeded");
  }
  expect(received).toHaveLength(before);
});

test("what cannot be announced fails the run, unless the job can do without", async () => {
  const { end } = await run({ delivery: { mode: "announce" } });
  expect(end).toMatchObject({ status: "error", completionStatus: "failed", deliveryStatus: "not-delivered" });
  expect(end.summary).toBe("echo: say hi");
  const { end: easy } = await run({ delivery: { mode: "announce", bestEffort: true } });
  expect(easy).toMatchObject({ status: "ok", completionStatus: "succeeded" });
});

test("a job of a conversation tells its result there", async () => {
  const { end } = await run({
    sessionTarget: "current",
    sessionKey: "agent:main:talk",
    delivery: { mode: "announce" },
  });
  expect(end).toMatchObject({ status: "ok", deliveryStatus: "delivered", sessionKey: "agent:main:talk" });
});
