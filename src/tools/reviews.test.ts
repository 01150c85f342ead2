import { afterEach, describe, expect, test } from "bun:test";
import { chatEnd, freshKey } from "../agents/testing/chat-gateway.ts";
import { startToolGateway, type ToolGateway } from "../agents/testing/tool-gateway.ts";
import { withStateDir } from "../agents/testing/victim.ts";
import type { DefenderPort } from "../defender/types.ts";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const REVIEWER = { caps: ["plugin-approvals"] };
const FINDING = { id: "test.rule", score: 50, reason: "A rule wants a person to look." };

/** Makes the defender want a person's word on every call of `probe_say`. */
function reviewing({ services }: Pick<TestGateway, "services">): void {
  const defender = services.defender as DefenderPort;
  const judge = defender.judge.bind(defender);
  defender.judge = async (action, context) =>
    action.kind === "tool" && action.name === "probe_say"
      ? { verdict: "review", score: FINDING.score, findings: [FINDING] }
      : judge(action, context);
}

async function start(): Promise<ToolGateway> {
  const gateway = await startToolGateway();
  ends.push(() => gateway.stop());
  reviewing(gateway);
  return gateway;
}

/** Has the model call the tool, and gives what it was told in the end. */
async function useProbe(gateway: ToolGateway, text: string, client: TestClient = gateway.client) {
  const { sessionKey, id } = freshKey();
  const message = `TOOL:probe_say ${JSON.stringify({ text })}`;
  await client.call("chat.send", { sessionKey, message, idempotencyKey: id("a") });
  const ended = chatEnd(gateway.client, id("a"));
  return { sessionKey, runId: id("a"), said: ended.then(({ payload }) => payload.message?.content[0].text as string) };
}

const asked = async (reviewer: TestClient, text: string) =>
  (await reviewer.event("plugin.approval.requested", ({ request }) => request.detail?.includes(text), 0)).payload;

describe("a call that the defender wants reviewed", () => {
  test("waits for a person, is shown whole, and runs when it is allowed once", async () => {
    const gateway = await start();
    const reviewer = await gateway.connect(REVIEWER);
    const { sessionKey, said } = await useProbe(gateway, "first");
    const { id, request } = await asked(reviewer, "first");
    expect(request).toMatchObject({
      title: "The agent main wants to use probe_say",
      description: FINDING.reason,
      toolName: "probe_say",
      toolCallId: "call_mock_1",
      agentId: "main",
      sessionKey,
    });
    expect(JSON.parse(request.detail)).toEqual({ text: "first" });
    expect(await reviewer.call("plugin.approval.list")).toMatchObject([{ id }]);
    expect((await reviewer.call("approval.get", { id })).approval).toMatchObject({ id, status: "pending" });
    expect(gateway.made).toEqual([]);
    await reviewer.call("plugin.approval.resolve", { id, decision: "allow-once" });
    expect(await said).toBe("tool-result: said: first");
    // Once is once: the same call asks again.
    const again = await useProbe(gateway, "first");
    const second = await reviewer.event("plugin.approval.requested", (payload) => payload.id !== id, 0);
    await reviewer.call("approval.resolve", { id: second.payload.id, kind: "plugin", decision: "deny" });
    expect(await again.said).toContain("does not let this call pass");
    expect(gateway.made).toHaveLength(1);
  });

  test("allowed always runs again without a question, but not with other arguments or by words of others", async () => {
    const gateway = await start();
    const reviewer = await gateway.connect(REVIEWER);
    const first = await useProbe(gateway, "standing");
    await reviewer.call("plugin.approval.resolve", {
      id: (await asked(reviewer, "standing")).id,
      decision: "allow-always",
    });
    expect(await first.said).toBe("tool-result: said: standing");
    expect(await (await useProbe(gateway, "standing")).said).toBe("tool-result: said: standing");
    expect(reviewer.events("plugin.approval.requested")).toHaveLength(1);
    const other = await useProbe(gateway, "other");
    await reviewer.call("plugin.approval.resolve", { id: (await asked(reviewer, "other")).id, decision: "deny" });
    expect(await other.said).toContain("does not let this call pass");
    const guest = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    const strange = await useProbe(gateway, "standing", guest);
    const { payload } = await reviewer.event(
      "plugin.approval.requested",
      ({ request }) => request.sessionKey === strange.sessionKey,
      0,
    );
    await reviewer.call("plugin.approval.resolve", { id: payload.id, decision: "deny" });
    expect(await strange.said).toContain("does not let this call pass");
    expect(gateway.made).toHaveLength(2);
  });

  test("is refused at once when nobody is there who could be asked, and when nobody answers in time", async () => {
    const gateway = await start();
    const lonely = await useProbe(gateway, "lonely");
    expect(await lonely.said).toContain("does not let this call pass");
    const { content } = (await gateway.services.sessions.recent(lonely.sessionKey, 10)).find(
      ({ role }) => role === "toolResult",
    )!;
    expect(JSON.stringify(content)).toContain("Nobody is there who could be asked.");
    const reviewer = await gateway.connect(REVIEWER);
    const late = await useProbe(gateway, "late");
    const { id } = await asked(reviewer, "late");
    await gateway.services.store.write(
      (db) => void db.query("UPDATE approvals SET expires_at = 1 WHERE id = ?").run(id),
    );
    await gateway.services.approvals.expireDue();
    expect(await late.said).toContain("does not let this call pass");
    expect(gateway.made).toEqual([]);
  });

  test("is given up with its run", async () => {
    const gateway = await start();
    const reviewer = await gateway.connect(REVIEWER);
    const { sessionKey } = await useProbe(gateway, "aborted");
    const { id } = await asked(reviewer, "aborted");
    await gateway.client.call("chat.abort", { sessionKey });
    expect((await reviewer.call("approval.get", { id })).approval).toMatchObject({ status: "cancelled" });
    const { error } = await reviewer.request("plugin.approval.resolve", { id, decision: "allow-once" });
    expect(error.code).toBe("INVALID_REQUEST");
    expect(gateway.made).toEqual([]);
  });

  test("hides credentials in what it shows", async () => {
    const gateway = await start();
    const reviewer = await gateway.connect(REVIEWER);
    const secret = `sk-${"a1B2c3D4e5F6".repeat(4)}`;
    const { said } = await useProbe(gateway, `with ${secret}`);
    const { id, request } = await asked(reviewer, "with ");
    expect(JSON.stringify(request)).not.toContain(secret);
    await reviewer.call("plugin.approval.resolve", { id, decision: "deny" });
    await said;
  });
});

test("what a run asked for before a crash is given up at the next start", () =>
  withStateDir(async (stateDir) => {
    const before = await startTestGateway({ stateDir });
    const draft = {
      id: "plugin:11111111-1111-4111-8111-111111111111",
      kind: "plugin" as const,
      request: { title: "t", description: "d" },
      presentation: {
        kind: "plugin" as const,
        title: "t",
        description: "d",
        severity: "warning" as const,
        pluginId: null,
        toolName: null,
        agentId: null,
        allowedDecisions: ["deny" as const],
      },
      source: {},
      timeoutMs: 60_000,
      requireRoute: false,
      silent: false,
    };
    await before.services.approvals.open(draft, { connId: "run:gone" });
    await before.stop();
    const after = await startTestGateway({ stateDir });
    ends.push(() => after.stop());
    const client = await after.connect();
    expect((await client.call("approval.get", { id: draft.id })).approval).toMatchObject({ status: "cancelled" });
  }));
