import { mockProvider } from "../agents/testing/chat-gateway.ts";
import { type ConnectSpec, startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";
import { startModelServer } from "../parity/model-server.ts";

const MAY_WRITE = ["operator.read", "operator.write"];

/** A gateway behind a proxy that vouches for people by name. */
const PEOPLE = {
  trustedProxies: ["127.0.0.1"],
  controlUi: { allowedOrigins: ["https://ok.example"] },
  auth: {
    mode: "trusted-proxy",
    token: undefined,
    identityScopes: {
      ...Object.fromEntries(["ann@x.org", "bob@x.org", "bob@y.org", "cat@x.org"].map((name) => [name, MAY_WRITE])),
      "admin@x.org": ["operator.admin", ...MAY_WRITE],
    },
    trustedProxy: { userHeader: "X-Auth-User", allowLoopback: true },
  },
};

/** The page of a person, as it comes through the proxy. */
export const personSpec = (name: string): ConnectSpec => ({
  client: { id: "openclaw-control-ui", mode: "webchat", version: "2026.9.6", platform: "linux" },
  auth: {},
  scopes: name.toLowerCase() === "admin@x.org" ? ["operator.admin", ...MAY_WRITE] : MAY_WRITE,
  headers: { "x-forwarded-for": "203.0.113.9", "x-auth-user": name, origin: "https://ok.example" },
});

/** A gateway where people sign in by name, `admin@x.org` as administrator, with a model server behind it. */
export async function startPeopleGateway(): Promise<{ gateway: TestGateway; as(name: string): Promise<TestClient> }> {
  const model = startModelServer();
  const config = mockProvider(model.baseUrl, { gateway: PEOPLE });
  const gateway = await startTestGateway({ config });
  const stop = async () => {
    await gateway.stop();
    await model.close();
  };
  return { gateway: { ...gateway, stop }, as: (name) => gateway.connect(personSpec(name)) };
}

/** The profile of whoever is connected. */
export const selfOf = async (client: TestClient) => (await client.call("users.self")).profile;
