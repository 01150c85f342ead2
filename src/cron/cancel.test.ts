import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CronGateway, HOUR, startCronGateway, turnJob } from "./testing.ts";

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(): Promise<CronGateway> {
  const gateway = await startCronGateway();
  closers.push(() => gateway.stop());
  return gateway;
}

/** A command that writes its pid and goes on for minutes. */
function lasting(): { payload: object; pid(): Promise<number> } {
  const folder = mkdtempSync(join(tmpdir(), "chela-cancel-"));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "pid");
  return {
    payload: { kind: "command", argv: ["sh", "-c", `echo $$ > ${file}.new && mv ${file}.new ${file} && sleep 300`] },
    async pid() {
      while (!existsSync(file)) await Bun.sleep(5);
      return Number(readFileSync(file, "utf8"));
    },
  };
}

const isThere = (pid: number): boolean => existsSync(`/proc/${pid}`);
const reasons = { remove: "Cron job removed by operator.", disable: "Cron job disabled by operator." };

for (const [how, error] of Object.entries(reasons)) {
  const end = ({ client }: CronGateway, id: string) =>
    how === "remove"
      ? client.call("cron.remove", { id })
      : client.call("cron.update", { id, patch: { enabled: false } });

  test(`to ${how} a job ends its command, with a record`, async () => {
    const gateway = await start();
    const command = lasting();
    const { id } = await gateway.client.call("cron.add", turnJob({ payload: command.payload }));
    await gateway.pass(HOUR);
    const pid = await command.pid();
    await end(gateway, id);
    const ended = await gateway.finished(id);
    expect(ended).toMatchObject({
      status: "error",
      completionStatus: "failed",
      error,
      deliveryStatus: "not-requested",
    });
    expect(ended.diagnostics.entries).toEqual([
      { ts: gateway.clock.now(), source: "cron-setup", severity: "error", message: error },
    ]);
    expect(isThere(pid)).toBe(false);
    const { entries } = await gateway.client.call("cron.runs", { scope: "all" });
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({ jobId: id, error });
  });

  test(`to ${how} a job ends its turn, with a record`, async () => {
    const gateway = await start();
    const payload = { kind: "agentTurn", message: "go\nSLOW:60000 a b" };
    const { id } = await gateway.client.call("cron.add", turnJob({ payload }));
    await gateway.pass(HOUR);
    while (gateway.model.calls.length === 0) await Bun.sleep(5);
    await end(gateway, id);
    expect(await gateway.finished(id)).toMatchObject({ status: "error", error });
    expect(gateway.services.runs.activeRunIds(`agent:main:cron:${id}`)).toEqual([]);
  });
}

test("a removal says whether a run was at work", async () => {
  const gateway = await start();
  const idle = await gateway.client.call("cron.add", turnJob());
  expect(await gateway.client.call("cron.remove", { id: idle.id })).toEqual({ ok: true, removed: true });
  const command = lasting();
  const { id } = await gateway.client.call("cron.add", turnJob({ payload: command.payload }));
  await gateway.client.call("cron.run", { id });
  await command.pid();
  const removed = await gateway.client.call("cron.remove", { id });
  expect(removed).toEqual({ ok: true, removed: true, sessionCleanup: "pending" });
  await gateway.finished(id);
});

test("sessions that programs keep for themselves are nobody's target", async () => {
  const { client } = await start();
  const add = (over: object) => client.request("cron.add", turnJob({ enabled: false, ...over }));
  const reserved = "invalid cron.add params: Session key namespace is reserved for agent harness-owned sessions.";
  for (const sessionTarget of ["session:harness:codex:a", "session:agent:main:harness:codex:a", "session:harness:"]) {
    expect((await add({ sessionTarget })).error.message).toBe(reserved);
  }
  const sessionKey = "agent:main:harness:codex:a";
  expect((await add({ sessionTarget: "current", sessionKey })).error.message).toBe(reserved);
  // To name such a session as where a job comes from is no harm.
  expect((await add({ sessionTarget: "isolated", sessionKey })).ok).toBe(true);
});
