import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Payload } from "../gateway/testing.ts";
import { type CronGateway, HOUR, startCronGateway, turnJob } from "./testing.ts";

let gateway: CronGateway;
afterEach(() => gateway.stop());

const call = (method: string, params: object = {}) => gateway.client.call(method, params);
/** Everything that the model was told in its newest call. */
const told = (): string => JSON.stringify(gateway.model.calls.at(-1)!.body);
function fileInWorkspace(text: string): void {
  const { workspace } = gateway.services.agents.required("main");
  mkdirSync(workspace, { recursive: true });
  writeFileSync(join(workspace, "AGENTS.md"), text);
}
const monitor = async () =>
  (await call("cron.list", { includeDisabled: true })).jobs.find(
    ({ payload }: Payload) => payload.kind === "heartbeat",
  );
async function runJob(id: string): Promise<void> {
  const from = gateway.client.frames.length;
  await call("cron.run", { id });
  await gateway.finished(id, from);
}

describe("the notes of a job", () => {
  test("count revisions, notice two writers, and go with their job", async () => {
    gateway = await startCronGateway();
    const { id } = await call("cron.add", turnJob());
    const maxBytes = 262_144;
    expect(await call("cron.scratch.set", { id, content: null })).toEqual({
      ok: true,
      scratch: null,
      currentRevision: 0,
      maxBytes,
    });
    const scratch = { content: "hello", revision: 1, updatedAtMs: gateway.clock.now() };
    expect(await call("cron.scratch.set", { id, content: "hello" })).toMatchObject({ scratch, currentRevision: 1 });
    expect(await call("cron.scratch.set", { id, content: "other", expectedRevision: 0 })).toEqual({
      ok: false,
      reason: "revision-conflict",
      currentRevision: 1,
    });
    expect(await call("cron.scratch.get", { jobId: id })).toEqual({ scratch, currentRevision: 1, maxBytes });
    expect(await call("cron.scratch.set", { jobId: id, content: null })).toMatchObject({
      scratch: null,
      currentRevision: 2,
    });
    const tooLong = await gateway.client.request("cron.scratch.set", { id, content: "ä".repeat(140_000) });
    expect(tooLong.error.message).toBe(
      "invalid cron.scratch.set params: cron scratch exceeds 262144 bytes (280000 bytes provided)",
    );
    await call("cron.remove", { id });
    expect((await gateway.client.request("cron.scratch.get", { id })).error.details.code).toBe("CRON_JOB_NOT_FOUND");
    const left = await gateway.services.store.read((db) => db.query("SELECT count(*) AS n FROM cron_scratch").get());
    expect(left).toEqual({ n: 0 });
  });

  test("are told to each of its runs, and to heartbeats", async () => {
    gateway = await startCronGateway({ heartbeat: { every: "1h", target: "none" } });
    const { id } = await call("cron.add", turnJob());
    await call("cron.scratch.set", { id, content: "seen up to item 41" });
    await runJob(id);
    expect(told()).toContain("seen up to item 41");
    const { id: beat } = await monitor();
    await call("cron.scratch.set", { id: beat, content: "look at the oven" });
    await runJob(beat);
    expect(told()).toContain("look at the oven");
    expect(told()).not.toContain("item 41");
  });
});

test("a light job leaves the files of the workspace out, another does not", async () => {
  gateway = await startCronGateway();
  fileInWorkspace("The owner likes short answers.");
  const payload = { kind: "agentTurn", message: "say hi" };
  const full = await call("cron.add", turnJob({ payload }));
  const light = await call("cron.add", turnJob({ payload: { ...payload, lightContext: true } }));
  await runJob(full.id);
  expect(told()).toContain("likes short answers");
  await runJob(light.id);
  expect(told()).not.toContain("likes short answers");
});

describe("a heartbeat", () => {
  test("of its own session begins anew each time and leaves the main one alone", async () => {
    const heartbeat = {
      every: "1h",
      target: "none",
      prompt: "anything new?",
      isolatedSession: true,
      lightContext: true,
    };
    gateway = await startCronGateway({ heartbeat });
    fileInWorkspace("The owner likes short answers.");
    const { id } = await monitor();
    await runJob(id);
    await runJob(id);
    expect(told()).not.toContain("likes short answers");
    // The model was told of this turn alone.
    expect(told().split("anything new?")).toHaveLength(2);
    expect(await call("sessions.describe", { key: "main" })).toEqual({ session: null });
    expect((await call("sessions.describe", { key: "agent:main:main:heartbeat" })).session).not.toBeNull();
  });

  test("is that of the agent's own entry where it has one", async () => {
    const agents = {
      defaults: { model: { primary: "mock/mock-1" }, heartbeat: { every: "5h" } },
      entries: { main: {}, second: { heartbeat: { every: "2h" } } },
    };
    gateway = await startCronGateway({ config: { agents } as never });
    const { jobs } = await call("cron.list");
    expect(jobs.map(({ agentId, schedule }: Payload) => [agentId, schedule.everyMs])).toEqual([["second", 2 * HOUR]]);
  });
});

test("sessions of jobs are forgotten when they are old, and kept where the operator wants that", async () => {
  const schedule = { kind: "every", everyMs: 1000 * HOUR };
  const sessionsLeft = async (config: object): Promise<number> => {
    gateway = await startCronGateway({ config: config as never });
    const old = await call("cron.add", turnJob({ name: "old", schedule }));
    await runJob(old.id);
    gateway.clock.advance(30 * HOUR);
    const young = await call("cron.add", turnJob({ name: "young", schedule }));
    await runJob(young.id);
    const { sessions } = await call("sessions.list", { includeGlobal: true });
    return sessions.filter(({ key }: { key: string }) => key.includes(":cron:")).length;
  };
  expect(await sessionsLeft({})).toBe(1);
  await gateway.stop();
  expect(await sessionsLeft({ cron: { sessionRetention: "48h" } })).toBe(2);
  await gateway.stop();
  expect(await sessionsLeft({ cron: { sessionRetention: false } })).toBe(2);
});
