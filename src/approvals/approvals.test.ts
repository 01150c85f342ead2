import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { startTestGateway } from "../gateway/testing.ts";
import { EventBus } from "../platform/bus.ts";
import { ManualClock } from "../platform/clock.ts";
import { silentLogger } from "../platform/logger.ts";
import { Store } from "../store/store.ts";
import { type ApprovalBounds, ApprovalRepository } from "./approval-repository.ts";
import { Approvals } from "./approvals.ts";
import { execDraft } from "./exec-request.ts";
import { Reviewers } from "./reviewers.ts";
import type { ApprovalCaller } from "./types.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const ADMIN: ApprovalCaller = { connId: "c1", scopes: new Set(["operator.admin"]), client: { id: "cli" } };
const draft = (id: string, timeoutMs = 5000) =>
  execDraft({ id, command: "ls", timeoutMs, requireDeliveryRoute: false }, LIMITS);
const open = (approvals: Approvals, id: string, timeoutMs?: number) =>
  approvals.open(draft(id, timeoutMs), { connId: "c1" });
const unavailable = () => new Error("not allowed");
const never = new AbortController().signal;

function testApprovals(
  bounds: Partial<ApprovalBounds> = {},
  store = Store.open(":memory:"),
  clock = new ManualClock(),
) {
  const repository = new ApprovalRepository(store, { ...LIMITS, ...bounds });
  const deps = { repository, reviewers: new Reviewers(LIMITS), bus: new EventBus(), clock, log: silentLogger };
  const approvals = new Approvals({ ...deps, limits: LIMITS });
  ends.push(() => approvals.stop());
  return { approvals, repository, store, clock };
}

describe("over a restart", () => {
  test("what waits still waits, what was decided stays decided, what expired meanwhile is refused", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "chela-approvals-"));
    ends.push(() => rmSync(stateDir, { recursive: true, force: true }));
    const clock = new ManualClock();
    const before = await startTestGateway({ stateDir, clock });
    const runner = await before.connect();
    const ask = (id: string, timeoutMs: number) =>
      runner.call("exec.approval.request", {
        id,
        command: "ls",
        timeoutMs,
        twoPhase: true,
        requireDeliveryRoute: false,
      });
    for (const [id, timeoutMs] of [
      ["short", 1000],
      ["long-1", 60_000],
      ["decided", 60_000],
    ] as const) {
      await ask(id, timeoutMs);
    }
    await runner.call("exec.approval.resolve", { id: "decided", decision: "allow-once" });
    await before.stop();

    clock.advance(1000);
    const after = await startTestGateway({ stateDir, clock });
    ends.push(() => after.stop());
    const client = await after.connect();
    expect(await client.call("exec.approval.list")).toMatchObject([{ id: "long-1" }]);
    const wait = (id: string) => client.call("exec.approval.waitDecision", { id });
    expect(await wait("short")).toMatchObject({ decision: null, terminalReason: "timeout" });
    expect(await wait("decided")).toMatchObject({ decision: "allow-once", terminalReason: "user" });
    const waiting = wait("long-1");
    await client.call("exec.approval.resolve", { id: "long-1", decision: "deny" });
    expect(await waiting).toMatchObject({ decision: "deny", terminalReason: "user" });
  });
});

describe("bounds", () => {
  test("no more wait than are allowed", async () => {
    const { approvals, clock } = testApprovals({ approvalsWaitingMax: 2 });
    await open(approvals, "a");
    await open(approvals, "b");
    expect(open(approvals, "c")).rejects.toMatchObject({ code: "UNAVAILABLE", retryable: true });
    clock.advance(5000);
    await approvals.expireDue();
    await open(approvals, "c");
    expect((await approvals.list("exec", ADMIN)).map(({ id }) => id)).toEqual(["c"]);
  });

  test("ended ones go after their time, and the oldest when there are too many", async () => {
    const { approvals, repository, clock } = testApprovals({ approvalsKept: 2 });
    for (const id of ["a", "b", "c"]) {
      await open(approvals, id);
      clock.advance(1);
      await approvals.decide("exec", id, { decision: "deny", caller: ADMIN, unavailable });
    }
    await open(approvals, "d", 1e9);
    expect(await repository.find("a")).toBeNull();
    expect(await repository.find("b")).not.toBeNull();
    clock.advance(LIMITS.approvalsKeptMs);
    await open(approvals, "e");
    expect(await repository.find("c")).toBeNull();
  });

  test("nobody waits longer than the longest time", async () => {
    const { approvals, clock } = testApprovals();
    const { approval } = await open(approvals, "a", 9e12);
    expect(approval.expiresAtMs).toBe(clock.now() + LIMITS.approvalTimeoutMaxMs);
  });
});

describe("the port", () => {
  test("an owner gives an approval up, and whoever waits hears it", async () => {
    const { approvals } = testApprovals();
    await open(approvals, "a");
    const waiting = approvals.settled("a", never);
    await approvals.cancel("a", "run-aborted");
    const { status, reason, decision } = (await waiting)!;
    expect({ status, reason, decision }).toEqual({ status: "cancelled", reason: "run-aborted", decision: undefined });
    await approvals.cancel("a", "gateway-restart");
    expect((await approvals.settled("a", never))?.reason).toBe("run-aborted");
  });

  test("stops waiting when it is told to, and knows no unknown ids", async () => {
    const { approvals } = testApprovals();
    await open(approvals, "a");
    const stop = new AbortController();
    const waiting = approvals.settled("a", stop.signal);
    stop.abort();
    expect(await waiting).toMatchObject({ status: "pending" });
    expect(await approvals.settled("a", stop.signal)).toMatchObject({ status: "pending" });
    expect(await approvals.settled("none", never)).toBeNull();
  });
});
