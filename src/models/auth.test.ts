import { afterAll, describe, expect, test } from "bun:test";
import { startTestGateway } from "../gateway/testing.ts";
import { ableModel } from "./testing/models.ts";
import { type Act, startWireServer } from "./testing/wire-server.ts";

let act: Act = { do: "say", said: { text: "OK" } };
const server = startWireServer(({ key }) => (key === "bad-key" ? { do: "refuse", status: 401 } : act));
const baseUrl = server.baseUrl("openai-completions");
const gateway = await startTestGateway({
  config: {
    models: {
      discovery: { enabled: false },
      providers: { mock: { baseUrl, apiKey: "config-key", models: [ableModel("mock-1")] } },
    },
  } as never,
});
const client = await gateway.connect();
afterAll(async () => {
  await gateway.stop();
  await server.close();
});

describe("models.authSetApiKey", () => {
  test("keeps a key that is then used, shown as an account, and forgotten again", async () => {
    expect(await client.call("models.authSetApiKey", { provider: "mock", apiKey: "  new-key-1234 " })).toEqual({
      provider: "mock",
      profileId: "mock:manual",
    });
    await client.call("models.probe", { provider: "mock" });
    expect(server.calls.at(-1)!.key).toBe("new-key-1234");
    const { providers } = await client.call("models.authStatus", {});
    expect(providers).toContainEqual(
      expect.objectContaining({
        provider: "mock",
        status: "static",
        profiles: [
          { profileId: "mock:manual", type: "api_key", status: "static", source: "inherited", logoutSupported: true },
        ],
      }),
    );
    expect(await client.call("models.authLogout", { provider: "mock" })).toEqual({
      provider: "mock",
      removedProfiles: ["mock:manual"],
      abortedRunIds: [],
    });
    await client.call("models.probe", { provider: "mock" });
    expect(server.calls.at(-1)!.key).toBe("config-key");
    expect(JSON.stringify(client.frames)).not.toContain("new-key-1234");
  });

  test("126: needs an administrator, like everything that changes accounts", async () => {
    const writer = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    for (const [method, params] of [
      ["models.authSetApiKey", { provider: "mock", apiKey: "k" }],
      ["models.authPut", { profileId: "mock:x", credential: { type: "api_key", key: "k" } }],
      ["models.authOrderSet", { provider: "mock" }],
      ["models.authLogout", { provider: "mock" }],
      ["models.probe", { provider: "mock" }],
    ] as const) {
      expect((await writer.request(method, params)).error?.code).toBe("FORBIDDEN");
    }
  });
});

describe("models.authLogout", () => {
  test("ends the runs that use the provider", async () => {
    act = { do: "stall", said: { text: "Wait a while for what is still to come, it may take long indeed. " } };
    await client.call("models.authSetApiKey", { provider: "mock", apiKey: "new-key-1234" });
    const send = { sessionKey: "agent:main:logout", message: "hello", idempotencyKey: "logout-1" };
    await client.call("chat.send", send);
    await client.event("chat", (payload) => payload.runId === "logout-1" && payload.state === "delta", 0);
    const { abortedRunIds } = await client.call("models.authLogout", { provider: "mock" });
    expect(abortedRunIds).toEqual(["logout-1"]);
    const end = await client.event("chat", (payload) => payload.runId === "logout-1" && payload.state === "aborted", 0);
    expect(end.payload.stopReason).toBe("auth-revoked");
    act = { do: "say", said: { text: "OK" } };
  });
});

describe("models.probe", () => {
  test("tells of each account whether it works", async () => {
    await client.call("models.authPut", { profileId: "mock:bad", credential: { type: "api_key", key: "bad-key" } });
    await client.call("models.authPut", { profileId: "mock:good", credential: { type: "api_key", key: "good-key" } });
    const { status, results } = await client.call("models.probe", { provider: "mock" });
    expect(status).toBe("ok");
    expect(results).toMatchObject([
      { profileId: "mock:bad", status: "auth", error: "The provider refused the credential." },
      { profileId: "mock:good", label: "Profile mock:good · mock/mock-1", status: "ok" },
    ]);
    const one = await client.call("models.probe", { provider: "mock", profileId: "mock:bad" });
    expect([one.status, one.results.length]).toEqual(["auth", 1]);
    await client.call("models.authLogout", { provider: "mock" });
  });

  test("ends in time", async () => {
    act = { do: "stall", said: { text: "Wait" } };
    expect((await client.call("models.probe", { provider: "mock", timeoutMs: 30 })).status).toBe("timeout");
    act = { do: "say", said: { text: "OK" } };
  });
});
