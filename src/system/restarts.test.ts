import { afterEach, beforeEach, expect, test } from "bun:test";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";
import { Restarts } from "./restarts.ts";

let gateway: TestGateway;
let client: TestClient;
beforeEach(async () => {
  gateway = await startTestGateway();
  client = await gateway.connect();
});
afterEach(() => gateway.stop());

test("a restart is carried out after it was answered, for its reason", async () => {
  const asked = Promise.withResolvers<string>();
  gateway.services.restarts.servedBy(asked.resolve);
  const answer = await client.call("gateway.restart.request", { reason: " new key ", x: 1 });
  expect(answer).toMatchObject({
    ok: true,
    status: "scheduled",
    preflight: { safe: true },
    restart: { ok: true, pid: process.pid, reason: "new key", coalesced: false },
  });
  expect(await asked.promise).toBe("new key");
});

test("nothing is promised where nobody can carry it out, nor for another gateway", async () => {
  expect((await client.request("gateway.restart.request", {})).error.code).toBe("UNAVAILABLE");
  gateway.services.restarts.servedBy(() => {
    throw new Error("nobody has asked for this");
  });
  const target = { pid: 1, ownerId: "x", port: 1 };
  for (const [params, message] of [
    [{ target: {} }, "invalid targeted gateway restart"],
    [{ target: null }, "invalid targeted gateway restart"],
    [{ target }, "target gateway no longer owns the active lock"],
  ] as const) {
    expect((await client.request("gateway.restart.request", params)).error.message).toBe(message);
  }
});

test("a restart waits while something is at work, is one with the next, and comes at once when that is asked for", async () => {
  const preflight = { safe: false, counts: {}, blockers: [], summary: "restart deferred" };
  const limits = { restartPollMs: 1, restartPatienceMs: 3_600_000, restartAnswerMs: 0 };
  const lookedTwice = Promise.withResolvers<void>();
  let looks = 0;
  const look = () => {
    // Once for each of the two requests, then by itself.
    if (++looks === 4) lookedTwice.resolve();
    return preflight;
  };
  const restarts = new Restarts({ preflight: look, limits });
  const asked: string[] = [];
  const done = Promise.withResolvers<void>();
  const end = restarts.servedBy((reason) => {
    asked.push(reason);
    done.resolve();
  });
  expect(restarts.request({ reason: "one" })).toMatchObject({ status: "deferred", restart: { coalesced: false } });
  expect(restarts.request({ reason: "two" })).toMatchObject({ status: "coalesced", restart: { coalesced: true } });
  await lookedTwice.promise;
  expect(asked).toEqual([]);
  preflight.safe = true;
  await done.promise;
  expect(asked).toEqual(["one"]);
  preflight.safe = false;
  const again = Promise.withResolvers<string>();
  end();
  restarts.servedBy(again.resolve);
  restarts.request({ skipDeferral: true });
  expect(await again.promise).toBe("gateway.restart.safe");
});
