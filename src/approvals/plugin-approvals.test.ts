import { afterEach, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../gateway/testing.ts";
import { ManualClock } from "../platform/clock.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
async function start(...options: Parameters<typeof startTestGateway>): Promise<TestGateway> {
  const gateway = await startTestGateway(...options);
  ends.push(() => gateway.stop());
  return gateway;
}

const REQUEST = { title: "Send", description: "Send a message\nto a list", pluginId: "mail", twoPhase: true };
const REVIEWER = { caps: ["plugin-approvals"] };

describe("an approval that a plugin asks for", () => {
  test("is told to clients that show such, decided, and kept from the methods for commands", async () => {
    const clock = new ManualClock();
    const gateway = await start({ clock });
    const reviewer = await gateway.connect(REVIEWER);
    const commands = await gateway.connect({ caps: ["exec-approvals"] });
    const plugin = await gateway.connect();
    const first = await plugin.request("plugin.approval.request", { ...REQUEST, allowedDecisions: ["allow-once"] });
    const { id, expiresAtMs } = first.payload;
    expect(id).toStartWith("plugin:");
    expect(expiresAtMs).toBe(clock.now() + 120_000);
    const { payload } = await reviewer.event("plugin.approval.requested", () => true, 0);
    expect(payload).toMatchObject({
      id,
      approvalKind: "plugin",
      request: { title: "Send", pluginId: "mail", severity: null, allowedDecisions: ["allow-once", "deny"] },
    });
    expect(await reviewer.call("plugin.approval.list")).toMatchObject([{ id }]);
    expect(await reviewer.call("exec.approval.list")).toEqual([]);
    for (const method of ["exec.approval.get", "exec.approval.resolve"]) {
      const { error } = await reviewer.request(method, { id, ...(method.endsWith("resolve") && { decision: "deny" }) });
      expect(error.details.reason).toBe("APPROVAL_NOT_FOUND");
    }
    const { error } = await reviewer.request("plugin.approval.resolve", { id, decision: "allow-always" });
    expect(error).toMatchObject({
      message: "allow-always is unavailable for this plugin approval",
      details: { allowedDecisions: ["allow-once", "deny"] },
    });
    await reviewer.call("plugin.approval.resolve", { id: id.slice(0, 15), decision: "allow-once" });
    expect((await plugin.answer(first.id as string, 1)).payload).toMatchObject({ id, decision: "allow-once" });
    expect(await plugin.call("plugin.approval.waitDecision", { id })).toMatchObject({ terminalReason: "user" });
    expect((await reviewer.event("plugin.approval.resolved", () => true, 0)).payload).toMatchObject({ id });
    expect(commands.events("plugin.approval.requested")).toEqual([]);
  });

  test("is refused at once when nobody shows such, and when its texts say nothing or cannot be shown whole", async () => {
    const gateway = await start();
    const plugin = await gateway.connect();
    await gateway.connect({ caps: ["exec-approvals"] });
    const ask = (params: object) => plugin.request("plugin.approval.request", { ...REQUEST, ...params });
    expect((await ask({})).payload.decision).toBeNull();
    await gateway.connect(REVIEWER);
    for (const params of [{ title: " " }, { description: "\n" }, { title: "\u200b".repeat(20) }]) {
      expect((await ask(params)).error).toMatchObject({ code: "UNAVAILABLE", message: "approval request unavailable" });
    }
  });

  test("73: characters that hide or turn others are written out", async () => {
    const gateway = await start();
    const reviewer = await gateway.connect(REVIEWER);
    const plugin = await gateway.connect();
    const texts = { title: "T\u001b[1m\u202e", description: "a\u200b\nb", detail: "c\u2066" };
    const { payload } = await plugin.request("plugin.approval.request", { ...REQUEST, ...texts });
    const shown = { title: "T\\u{1B}[1m\\u{202E}", description: "a\\u{200B}\nb", detail: "c\\u{2066}" };
    const event = await reviewer.event("plugin.approval.requested", () => true, 0);
    expect(event.payload.request).toMatchObject(shown);
    const { approval } = await reviewer.call("approval.get", { id: payload.id });
    expect(approval.presentation).toMatchObject({ ...shown, severity: "warning" });
  });
});
