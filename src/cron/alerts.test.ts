import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../platform/clock.ts";
import { type CronGateway, HOUR, startCronGateway, turnJob } from "./testing.ts";

interface Call {
  path: string;
  auth: string | null;
  body: Record<string, unknown>;
}

const calls: Call[] = [];
const receiver = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    const { pathname } = new URL(request.url);
    const body = (await request.json()) as Record<string, unknown>;
    calls.push({ path: pathname, auth: request.headers.get("authorization"), body });
    return new Response("", { status: pathname.includes("broken") ? 500 : 200 });
  },
});
const url = (path: string) => `http://127.0.0.1:${receiver.port}${path}`;
const hook = (path: string) => ({ mode: "webhook", to: url(path) });
const CRON = { webhookToken: "hook-secret-0123456789", webhookSsrfPolicy: { allowedHostnames: ["127.0.0.1"] } };

let folder: string;
let gateway: CronGateway;
const start = async (cron: object = {}, clock = new ManualClock()) => {
  gateway = await startCronGateway({ stateDir: folder, clock, config: { cron: { ...CRON, ...cron } } });
};
beforeEach(() => {
  calls.splice(0);
  folder = mkdtempSync(join(tmpdir(), "chela-alerts-"));
});
afterEach(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
});
afterAll(() => receiver.stop(true));

/** A model that there is none of: the turn fails. */
const FAILING = { kind: "agentTurn", message: "say hi", model: "mock/none" };
const WORKING = { kind: "agentTurn", message: "say hi", model: null };

const add = async (over: object): Promise<string> =>
  (await gateway.client.call("cron.add", turnJob({ payload: FAILING, ...over }))).id;
const update = (id: string, patch: object) => gateway.client.call("cron.update", { id, patch });

/** Resolves when everybody has been told of a job's newest run. */
async function reported(id: string): Promise<void> {
  while (gateway.services.scheduler.isRunning(id)) await Bun.sleep(1);
}

/** Runs a job and gives its state once everybody has been told. */
async function run(id: string) {
  const { total } = await gateway.client.call("cron.runs", { id });
  await gateway.client.call("cron.run", { id });
  await gateway.ran(id, total + 1);
  await reported(id);
  return (await gateway.client.call("cron.get", { id })).state;
}
const told = () => calls.map(({ body }) => String(body.message).split("\n")[0]);

test("failures in a row are told once, a restart repeats nothing, and the recovery is told once", async () => {
  await start();
  const id = await add({ failureAlert: { after: 2, cooldownMs: 0, ...hook("/alert") } });
  expect(await run(id)).toMatchObject({ lastFailureNotificationDeliveryStatus: "not-requested" });
  expect(calls).toHaveLength(0);
  const second = await run(id);
  expect(second).toMatchObject({
    lastFailureNotificationDelivered: true,
    lastFailureNotificationDeliveryStatus: "delivered",
    lastFailureAlertAtMs: gateway.clock.now(),
  });
  expect(second.incident).toBeUndefined();
  expect(calls).toHaveLength(1);
  expect(calls[0]).toMatchObject({
    path: "/alert",
    auth: "Bearer hook-secret-0123456789",
    body: { jobId: id, jobName: "hourly", runAtMs: gateway.clock.now() },
  });
  expect(calls[0]!.body.message).toStartWith('Automation "hourly" failed 2 times\nLast error: ');
  const [entry] = (await gateway.client.call("cron.runs", { id })).entries;
  expect(entry.failureNotificationDelivery).toEqual({ status: "delivered", delivered: true });

  await gateway.stop();
  gateway.clock.advance(1);
  await start({}, gateway.clock);
  const third = await run(id);
  expect(third).toMatchObject({ consecutiveErrors: 3, lastFailureNotificationDeliveryStatus: "not-requested" });
  expect(third.lastFailureNotificationDelivered).toBeUndefined();
  expect(calls).toHaveLength(1);

  await update(id, { payload: WORKING });
  const fourth = await run(id);
  expect(fourth.lastFailureAlertAtMs).toBeUndefined();
  expect(fourth).toMatchObject({ lastFailureNotificationDelivered: true });
  await run(id);
  expect(told().slice(1)).toEqual(['Automation "hourly" recovered']);

  await update(id, { payload: FAILING });
  await run(id);
  await run(id);
  expect(told().slice(2)).toEqual(['Automation "hourly" failed 2 times']);
});

test("another cause is told after the cooldown only", async () => {
  await start();
  const id = await add({ failureAlert: { after: 1, cooldownMs: HOUR, ...hook("/alert") } });
  await run(id);
  await update(id, { payload: { kind: "agentTurn", model: "nobody/none" } });
  await run(id);
  expect(calls).toHaveLength(1);
  gateway.clock.advance(HOUR);
  await run(id);
  await run(id);
  expect(calls).toHaveLength(2);
});

test("the job's destination is used without more words; off means off", async () => {
  await start();
  const id = await add({ delivery: { mode: "none", failureDestination: hook("/failures") } });
  await run(id);
  await run(id);
  expect(calls.map(({ path }) => path)).toEqual(["/failures"]);
  const off = await add({ delivery: { mode: "none", failureDestination: hook("/failures") }, failureAlert: false });
  for (let n = 0; n < 3; n++) await run(off);
  const easy = await add({ delivery: { mode: "none", bestEffort: true, failureDestination: hook("/failures") } });
  for (let n = 0; n < 3; n++) await run(easy);
  const nowhere = await add({});
  for (let n = 0; n < 3; n++) await run(nowhere);
  expect(calls).toHaveLength(1);
});

test("the configuration covers all jobs, and what a job says goes before it", async () => {
  await start({ failureAlert: { after: 1, cooldownMs: 0, ...hook("/shared") } });
  const id = await add({});
  await run(id);
  const own = await add({ failureAlert: hook("/own") });
  await run(own);
  const destination = await add({ delivery: { mode: "none", failureDestination: hook("/destination") } });
  await run(destination);
  expect(calls.map(({ path }) => path)).toEqual(["/shared", "/own", "/destination"]);
});

test("the configuration turns all alerts off but those of jobs that ask for them", async () => {
  await start({ failureAlert: { enabled: false, after: 1, ...hook("/shared") } });
  const id = await add({ delivery: { mode: "none", failureDestination: hook("/failures") } });
  await run(id);
  await run(id);
  expect(calls).toHaveLength(0);
  const own = await add({ failureAlert: { after: 1, ...hook("/own") } });
  await run(own);
  expect(calls.map(({ path }) => path)).toEqual(["/own"]);
});

test("what could not be told is recorded and not tried again", async () => {
  await start();
  const id = await add({ failureAlert: { after: 1, cooldownMs: 0, ...hook("/broken") } });
  expect(await run(id)).toMatchObject({
    lastFailureNotificationDelivered: false,
    lastFailureNotificationDeliveryStatus: "not-delivered",
    lastFailureNotificationDeliveryError: "The receiver answered HTTP 500",
  });
  await run(id);
  expect(calls).toHaveLength(1);
  for (const [failureAlert, error] of [
    [{ after: 1, mode: "webhook" }, "cron failure alert webhook requires a URL"],
    [
      { after: 1, mode: "webhook", to: "http://localhost:1/" },
      "Blocked hostname or private/internal/special-use IP address",
    ],
    [{ after: 1 }, "No channel is configured that the result could be announced in."],
    [{ after: 1, channel: "slack", to: "C1" }, "unsupported channel: slack"],
  ] as const) {
    const job = await add({ failureAlert });
    expect((await run(job)).lastFailureNotificationDeliveryError).toBe(error);
  }
});

test("a result that did not arrive is told by another way at once, and does not count as a failed run", async () => {
  await start();
  const delivery = { ...hook("/broken-result"), failureDestination: hook("/failures") };
  const id = await add({ payload: { ...FAILING, model: undefined }, delivery });
  expect(await run(id)).toMatchObject({ consecutiveErrors: 0, lastFailureNotificationDelivered: true });
  await run(id);
  await update(id, { delivery: { to: url("/result") } });
  await run(id);
  const alerts = calls.filter(({ path }) => path === "/failures").map(({ body }) => body.message);
  expect(alerts).toEqual([
    'Automation "hourly" delivery failed\nLast error: The receiver answered HTTP 500',
    'Automation "hourly" recovered',
  ]);
});

test("skipped runs are told only to those who want to know of them", async () => {
  await start();
  const { judgeRun } = await import("./alert.ts");
  const base = await gateway.client.call("cron.get", { id: await add({}) });
  const entry = {
    ts: 1,
    jobId: base.id,
    action: "finished",
    status: "skipped",
    completionStatus: "succeeded",
  } as const;
  const job = (failureAlert: object) => ({ ...base, failureAlert, state: { consecutiveSkipped: 2 } });
  expect(judgeRun(job({ ...hook("/x") }), entry).notice).toBeUndefined();
  const { notice, state } = judgeRun(job({ ...hook("/x"), includeSkipped: true }), entry);
  expect(notice?.subject).toBe('Automation "hourly" was skipped 2 times');
  expect(
    judgeRun({ ...base, failureAlert: { includeSkipped: true, ...hook("/x") }, state }, entry).notice,
  ).toBeUndefined();
});

test("a job that is turned off tells it, also its agent", async () => {
  await start();
  const id = await add({ failureAlert: { after: 1, cooldownMs: HOUR, ...hook("/alert") } });
  for (let n = 1; n <= 10; n++) {
    await gateway.pass(2 * HOUR);
    await gateway.ran(id, n);
    await reported(id);
  }
  const { enabled, state } = await gateway.client.call("cron.get", { id });
  expect(enabled).toBe(false);
  expect(state.autoDisabled).toMatchObject({ reason: "consecutive-failures", consecutiveErrors: 10 });
  expect(told()).toEqual([
    'Automation "hourly" failed 1 times',
    'Automation "hourly" failed 10 times and was turned off',
  ]);
  const waiting = await gateway.services.systemEvents.waiting("agent:main:main");
  expect(waiting?.text).toContain(`openclaw automations enable ${id}`);
});

test("the second webhook gets the whole end of the run; what it does not take is in the history", async () => {
  await start();
  const delivery = { mode: "announce", bestEffort: true, completionDestination: hook("/done") };
  const id = await add({ payload: { ...FAILING, model: undefined }, delivery });
  await run(id);
  expect(calls).toHaveLength(1);
  expect(calls[0]!.body).toMatchObject({
    action: "finished",
    jobId: id,
    status: "ok",
    completionStatus: "succeeded",
    deliveryStatus: "not-delivered",
    summary: "echo: say hi",
    job: { id, name: "hourly" },
  });
  await update(id, { delivery: { completionDestination: hook("/broken") } });
  await run(id);
  const [entry] = (await gateway.client.call("cron.runs", { id })).entries;
  expect(entry.diagnostics.entries.at(-1)).toMatchObject({ source: "delivery", severity: "warn" });
  expect(entry.diagnostics.entries.at(-1).message).toEndWith("The receiver answered HTTP 500");
});
