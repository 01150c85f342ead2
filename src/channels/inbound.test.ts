import { afterAll, beforeAll, expect, test } from "bun:test";
import type { GatewayConfig } from "../../generated/config.ts";
import { startTestGateway, type TestGateway } from "../gateway/testing.ts";

let gateway: TestGateway;
beforeAll(async () => {
  const config = {
    session: { dmScope: "per-peer", identityLinks: { ada: ["slack:U1", "telegram:7"] } },
    agents: { entries: { main: {}, ops: {} } },
    bindings: [{ agentId: "ops", match: { channel: "slack", peer: { kind: "channel", id: "C9" } } }],
  } as unknown as Partial<GatewayConfig>;
  gateway = await startTestGateway({ config });
});
afterAll(() => gateway.stop());

const place = (envelope: object) => gateway.services.inbound.place(envelope as never);
const routeOf = async (key: string) => gateway.services.sessions.lastRoute(key);

test("a person is one session over the channels that identityLinks names, and is answered where he wrote last", async () => {
  const peer = (id: string) => ({ kind: "direct", id });
  const fallbackAgentId = "main";
  const first = await place({ channel: "slack", peer: peer("U1"), to: "user:U1", fallbackAgentId });
  expect(first.sessionKey).toBe("agent:main:direct:ada");
  expect(await routeOf(first.sessionKey)).toEqual({ channel: "slack", to: "user:U1", accountId: "default" });
  const second = await place({ channel: "tg", accountId: "Work", peer: peer("7"), to: "7", fallbackAgentId });
  expect(second.sessionKey).toBe(first.sessionKey);
  expect(await routeOf(first.sessionKey)).toEqual({ channel: "telegram", to: "7", accountId: "work" });
  const client = await gateway.connect();
  const found = await client.call("sessions.list", { includeGlobal: true });
  const row = found.sessions.find(({ key }: { key: string }) => key === first.sessionKey);
  expect(row).toMatchObject({ chatType: "direct", peerKind: "direct" });
});

test("a binding decides which agent answers, and a thread has a session of its own", async () => {
  const peer = { kind: "channel", id: "C9" };
  const route = await place({ channel: "slack", peer, threadId: "17", to: "channel:C9" });
  expect(route).toMatchObject({ agentId: "ops", matchedBy: "binding.peer" });
  expect(route.sessionKey).toBe("agent:ops:slack:channel:c9:thread:17");
  expect(await routeOf(route.sessionKey)).toMatchObject({ to: "channel:C9", threadId: "17" });
});

test("what is said where nothing can be answered is refused", async () => {
  expect(place({ channel: "slack", to: " ", fallbackAgentId: "main" })).rejects.toThrow("needs an address");
});
