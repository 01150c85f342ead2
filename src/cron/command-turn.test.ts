import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Decision } from "../defender/types.ts";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";
import { runCommandJob } from "./command-turn.ts";
import type { Job } from "./job.ts";

let gateway: TestGateway;
let client: TestClient;
beforeEach(async () => {
  gateway = await startTestGateway();
  client = await gateway.connect({ caps: ["approvals"] } as never);
});
afterEach(() => gateway.stop());

const reason = "It looks odd.";
const decided = (verdict: Decision["verdict"]) => ({
  judge: () => Promise.resolve({ verdict, score: 50, findings: [{ id: "x", score: 50, reason }] } as Decision),
});

function run(verdict: Decision["verdict"], more: object = {}) {
  const payload = { kind: "command" as const, argv: ["echo", "ran"], ...more };
  const job = { id: "job-1", name: "Nightly", payload } as unknown as Job;
  const { approvals, approvalGrants: grants } = gateway.services;
  const place = { agentId: "main", runId: "r", folder: "/", signal: new AbortController().signal };
  return runCommandJob(job, payload, place, { defender: decided(verdict), approvals, grants });
}

async function answer(decision: string, from = 0): Promise<void> {
  const { payload } = await client.event("exec.approval.requested", () => true, from);
  await client.call("exec.approval.resolve", { id: payload.id, decision });
}

test("what the defender refuses does not run, and the record says why", async () => {
  expect(await run("block")).toMatchObject({
    status: "error",
    error: `The defender does not let this command run. ${reason}`,
  });
});

test("what a person has to look at waits for the answer", async () => {
  const running = run("review");
  await answer("deny");
  expect((await running).error).toBe("The command was not approved (denied).");
  const from = client.frames.length;
  const again = run("review");
  await answer("allow-once", from);
  expect(await again).toMatchObject({ status: "ok", text: "ran" });
});

test("allow-always holds for just this command, its variables included, until it is taken back", async () => {
  const running = run("review", { env: { FOO: "1" } });
  await answer("allow-always");
  expect((await running).status).toBe("ok");
  expect(await run("review", { env: { FOO: "1" } })).toMatchObject({ status: "ok" });
  const { grants } = await client.call("exec.approval.grants.list");
  expect(grants).toEqual([expect.objectContaining({ cronJobId: "job-1", useCount: 1 })]);
  let from = client.frames.length;
  const other = run("review", { env: { FOO: "2" } });
  await answer("deny", from);
  expect((await other).status).toBe("error");
  await client.call("exec.approval.grants.revoke", { grantId: grants[0].grantId });
  from = client.frames.length;
  const revoked = run("review", { env: { FOO: "1" } });
  await answer("deny", from);
  expect((await revoked).status).toBe("error");
});
