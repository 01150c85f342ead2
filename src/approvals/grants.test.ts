import { afterEach, expect, test } from "bun:test";
import { LIMITS } from "../../generated/limits.ts";
import { startTestGateway } from "../gateway/testing.ts";
import { ManualClock } from "../platform/clock.ts";
import { execDraft } from "./exec-request.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const automation = { agentId: "main", cronJobId: "job-1", cronJobName: "Nightly" };

async function started() {
  const clock = new ManualClock();
  const gateway = await startTestGateway({ clock });
  ends.push(() => gateway.stop());
  const open = (id: string, more: object) => {
    const draft = execDraft({ id, command: "ls -la", cwd: "/tmp", requireDeliveryRoute: false }, LIMITS);
    return gateway.services.approvals.open({ ...draft, ...more }, { connId: "cron" });
  };
  return { clock, gateway, open, client: await gateway.connect() };
}

test("80: allow-always for an automation leaves a permission for just this command and folder", async () => {
  const { clock, open, client } = await started();
  await open("ap-1", { automation });
  await open("ap-2", { automation });
  await open("ap-3", { automation });
  await open("ap-4", {});
  const now = clock.now();
  const resolve = (id: string, decision: string, more: object = {}) =>
    client.call("exec.approval.resolve", { id, decision, ...more });
  await resolve("ap-1", "allow-always");
  await resolve("ap-1", "allow-always");
  clock.advance(1);
  await client.call("approval.resolve", { id: "ap-2", kind: "exec", decision: "allow-always", grantExpiresInDays: 3 });
  await resolve("ap-3", "allow-once");
  await resolve("ap-4", "allow-always");
  const grant = {
    grantId: expect.any(String),
    ...automation,
    command: "ls -la",
    cwd: "/tmp",
    revokedAtMs: null,
    revokedBy: null,
    lastUsedAtMs: null,
    useCount: 0,
  };
  const { grants } = await client.call("exec.approval.grants.list");
  expect(grants).toEqual([
    { ...grant, mintedByApprovalId: "ap-2", createdAtMs: now + 1, expiresAtMs: now + 1 + 3 * 86_400_000 },
    { ...grant, mintedByApprovalId: "ap-1", createdAtMs: now, expiresAtMs: null },
  ]);
  expect((await client.call("exec.approval.grants.list", { limit: 1 })).grants).toHaveLength(1);
});

test("a permission is taken back once, and stays in the ledger", async () => {
  const { clock, open, client } = await started();
  await open("ap-1", { automation });
  await client.call("exec.approval.resolve", { id: "ap-1", decision: "allow-always" });
  const [{ grantId }] = (await client.call("exec.approval.grants.list")).grants;
  const revoke = async (id: string) => (await client.call("exec.approval.grants.revoke", { grantId: id })).outcome;
  expect(await revoke("none")).toBe("not-found");
  expect(await revoke(grantId)).toBe("revoked");
  expect(await revoke(grantId)).toBe("already-revoked");
  const { grants } = await client.call("exec.approval.grants.list");
  expect(grants).toMatchObject([{ grantId, revokedAtMs: clock.now(), revokedBy: "gateway-client" }]);
});

test("80: the run of what was allowed for all times leaves no second permission, also after the first was taken back", async () => {
  const { gateway, client } = await started();
  const plan = { argv: ["ls"], cwd: "/tmp", commandText: "ls", agentId: "main", sessionKey: null };
  const asked = { id: "ap-1", host: "node", nodeId: "n1", systemRunPlan: plan, requireDeliveryRoute: false };
  const draft = { ...execDraft(asked, LIMITS), automation };
  await gateway.services.approvals.open(draft, { connId: "cron" });
  await client.call("exec.approval.resolve", { id: "ap-1", decision: "allow-always" });
  const [{ grantId }] = (await client.call("exec.approval.grants.list")).grants;
  await client.call("exec.approval.grants.revoke", { grantId });
  await gateway.services.runPermissions.take({ runId: "ap-1", nodeId: "n1", caller: { connId: "cron" } });
  const { grants } = await client.call("exec.approval.grants.list");
  expect(grants).toMatchObject([{ grantId, revokedAtMs: expect.any(Number) }]);
});

test("80: no client names an automation", async () => {
  const { client } = await started();
  const { error } = await client.request("exec.approval.request", { command: "ls", automation });
  expect(error.message).toContain("unexpected property 'automation'");
});
