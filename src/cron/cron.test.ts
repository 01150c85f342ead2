import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type CronGateway, HOUR, startCronGateway, turnJob } from "./testing.ts";

let gateway: CronGateway;
beforeAll(async () => {
  gateway = await startCronGateway();
});
afterAll(() => gateway.stop());

const call = (method: string, params: object = {}) => gateway.client.call(method, params);
const refusal = async (method: string, params: object): Promise<string> => {
  const { ok, error } = await gateway.client.request(method, params);
  return ok ? "accepted" : `${error.code}: ${error.message}`;
};

describe("a job", () => {
  test("is added, read, changed and removed, and each of it is told", async () => {
    const from = gateway.client.frames.length;
    const job = await call("cron.add", turnJob({ description: "  why  " }));
    expect(job).toMatchObject({ enabled: true, description: "why", payload: { toolsAllow: ["*"] } });
    expect(job.nextRunAtMs).toBe(gateway.clock.now() + HOUR);
    const shown = await call("cron.get", { id: job.id });
    expect({ ...shown, deliveryPreview: job.deliveryPreview }).toEqual(job);

    const renamed = await call("cron.update", { id: job.id, patch: { name: "other" } });
    expect(renamed).toMatchObject({ name: "other", nextRunAtMs: job.nextRunAtMs });
    expect(renamed.configRevision).not.toBe(job.configRevision);
    const off = await call("cron.update", { jobId: job.id, patch: { enabled: false } });
    expect(off.nextRunAtMs).toBeUndefined();
    const on = await call("cron.update", { id: job.id, patch: { enabled: true } });
    expect(on.nextRunAtMs).toBe(job.nextRunAtMs);

    expect(await call("cron.remove", { id: job.id })).toEqual({ ok: true, removed: true });
    const events = gateway.client.frames.slice(from).filter(({ event }) => event === "cron");
    expect(events.map(({ payload }) => payload.action)).toEqual(["added", "updated", "updated", "updated", "removed"]);
    for (const method of ["cron.get", "cron.remove", "cron.run", "cron.scratch.get"]) {
      const { error } = await gateway.client.request(method, { id: job.id });
      expect(error.details).toEqual({ code: "CRON_JOB_NOT_FOUND", jobId: job.id });
    }
  });

  test("gets what its caller left out", async () => {
    const job = await call("cron.add", {
      schedule: { kind: "at", at: "2030-01-01T09:00:00" },
      payload: { kind: "agentTurn", message: `${"long ".repeat(30)}\nrest` },
    });
    expect(job).toMatchObject({
      deleteAfterRun: true,
      sessionTarget: "isolated",
      wakeMode: "now",
      delivery: { mode: "announce" },
    });
    expect(job.name).toHaveLength(60);
    expect(job.schedule.at).toBe("2030-01-01T09:00:00.000Z");
    const event = await call("cron.add", {
      schedule: { kind: "cron", expr: "0 * * * *" },
      payload: { kind: "systemEvent", text: "look" },
    });
    expect(event).toMatchObject({ sessionTarget: "main", name: "look", schedule: { staggerMs: 300_000 } });
    for (const { id } of [job, event]) await call("cron.remove", { id });
  });

  test("that is changed against an old revision is left alone", async () => {
    const job = await call("cron.add", turnJob());
    const { configRevision: actualConfigRevision } = await call("cron.update", { id: job.id, patch: { name: "b" } });
    const { error } = await gateway.client.request("cron.update", {
      id: job.id,
      patch: { name: "c" },
      expectedConfigRevision: job.configRevision,
    });
    expect(error.details).toEqual({
      code: "CRON_JOB_CHANGED",
      expectedConfigRevision: job.configRevision,
      actualConfigRevision,
    });
    expect((await call("cron.get", { id: job.id })).name).toBe("b");
    await call("cron.remove", { id: job.id });
  });

  test("with a declaration key is made once and then brought up to date", async () => {
    const declared = turnJob({ declarationKey: "team:one" });
    const { job } = await call("cron.add", declared);
    expect(await call("cron.add", declared)).toMatchObject({ created: false, updated: false, job: { id: job.id } });
    const changed = await call("cron.add", { ...declared, payload: { kind: "agentTurn", message: "other" } });
    expect(changed).toMatchObject({ created: false, updated: true, job: { id: job.id, nextRunAtMs: job.nextRunAtMs } });
    await call("cron.remove", { id: job.id });
  });

  test("is patched field by field: null takes away, a payload of another kind replaces", async () => {
    const { id } = await call(
      "cron.add",
      turnJob({ payload: { kind: "agentTurn", message: "a", model: "mock/mock-1" } }),
    );
    const patch = (fields: object) => call("cron.update", { id, patch: fields });
    expect((await patch({ payload: { kind: "agentTurn", message: "b" } })).payload).toMatchObject({
      message: "b",
      model: "mock/mock-1",
    });
    expect((await patch({ payload: { kind: "agentTurn", model: null } })).payload.model).toBeUndefined();
    const event = await patch({ sessionTarget: "main", payload: { kind: "systemEvent", text: "t" } });
    expect(event.payload).toMatchObject({ kind: "systemEvent", text: "t" });
    expect(event.scheduledToolPolicy).toBeUndefined();
    await call("cron.remove", { id });
  });
});

test("what no scheduler could run is refused when it is added", async () => {
  const add = (over: object) => refusal("cron.add", turnJob(over));
  expect(await add({ schedule: { kind: "cron", expr: "nonsense" } })).toContain("exactly five, six, or seven");
  expect(await add({ schedule: { kind: "cron", expr: "0 9 * * *", tz: "Mars/X" } })).toContain("Mars/X");
  expect(await add({ schedule: { kind: "at", at: "tomorrow" } })).toContain(
    "expected ISO-8601 timestamp (got tomorrow)",
  );
  expect(await add({ schedule: { kind: "at", at: "2020-01-01" } })).toContain("schedule.at is in the past");
  expect(await add({ schedule: { kind: "at", at: "2060-01-01" } })).toContain("Maximum allowed: 10 years");
  expect(await add({ sessionTarget: "main" })).toContain('main cron jobs require payload.kind="systemEvent"');
  expect(await add({ payload: { kind: "systemEvent", text: "x" } })).toStartWith(
    "UNAVAILABLE: Error: isolated cron jobs",
  );
  expect(await add({ agentId: "ghost" })).toBe("UNAVAILABLE: Error: cron job agent is unavailable: ghost");
  expect(await add({ trigger: { script: "json({ fire: true })" } })).toContain("a trigger script is not available");
  expect(await add({ payload: { kind: "script", script: "json({})" } })).toContain("not available in this gateway");
  const steered = { kind: "command", argv: ["true"], env: { LD_PRELOAD: "/tmp/x.so" } };
  expect(await add({ payload: steered })).toContain("payload.env may not set LD_PRELOAD");
});

test("attack 91: a webhook with another scheme or with credentials is refused when it is added", async () => {
  for (const to of ["file:///etc/passwd", "gopher://example.com", "https://u:p@example.com/"]) {
    expect(await refusal("cron.add", turnJob({ delivery: { mode: "webhook", to } }))).toContain("valid http(s) URL");
  }
});

test("attack 30: only an administrator makes, changes, runs or removes a job", async () => {
  const writer = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
  const { id } = await call("cron.add", turnJob());
  const attempts: [string, object][] = [
    ["cron.add", turnJob()],
    ["cron.update", { id, patch: { name: "mine" } }],
    ["cron.run", { id }],
    ["cron.remove", { id }],
  ];
  for (const [method, params] of attempts) {
    const { error } = await writer.request(method, params);
    expect(error).toMatchObject({ code: "FORBIDDEN", details: { missingScope: "operator.admin" } });
  }
  expect((await writer.call("cron.get", { id })).name).toBe("hourly");
  await call("cron.remove", { id });
});

test("lists are filtered, sorted and paged; a page names the inventory it is of", async () => {
  const ids: string[] = [];
  for (const [name, everyMs, enabled] of [
    ["job c", 3 * HOUR, true],
    ["job a", 2 * HOUR, true],
    ["job b", HOUR, false],
  ] as const) {
    ids.push((await call("cron.add", turnJob({ name, enabled, schedule: { kind: "every", everyMs } }))).id);
  }
  const names = async (params: object) =>
    (await call("cron.list", params)).jobs.map((job: { name: string }) => job.name);
  expect(await names({})).toEqual(["job a", "job c"]);
  expect(await names({ includeDisabled: true })).toEqual(["job a", "job c", "job b"]);
  expect(await names({ includeDisabled: true, sortBy: "name", sortDir: "desc" })).toEqual(["job c", "job b", "job a"]);
  expect(await names({ enabled: "disabled" })).toEqual(["job b"]);
  expect(await names({ query: "JOB C" })).toEqual(["job c"]);
  const first = await call("cron.list", { includeDisabled: true, limit: 2 });
  expect(first).toMatchObject({ total: 3, offset: 0, limit: 2, hasMore: true, nextOffset: 2 });
  expect(Object.keys(first.deliveryPreviews)).toHaveLength(2);
  const second = await call("cron.list", { includeDisabled: true, limit: 2, offset: 2, compact: true });
  expect(second).toMatchObject({ hasMore: false, nextOffset: null, snapshotRevision: first.snapshotRevision });
  expect(second.jobs[0]).toMatchObject({
    name: "job b",
    nextRunAt: null,
    scheduleKind: "every",
    effectiveAgentId: "main",
  });
  for (const id of ids) await call("cron.remove", { id });
  expect(await call("cron.list")).toMatchObject({ jobs: [], total: 0, hasMore: false, nextOffset: null });
  expect(await call("cron.status")).toMatchObject({ enabled: true, jobs: 0, nextWakeAtMs: null });
});
