import { type ConnectSpec, startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";

/** A gateway behind a proxy that vouches for people by name; `admin@x.org` is its administrator. */
export async function startPeopleGateway(
  options: Parameters<typeof startTestGateway>[0] = {},
): Promise<{ gateway: TestGateway; as(name: string): Promise<TestClient> }> {
  const mayWrite = ["operator.read", "operator.write"];
  const everybody = ["ann@x.org", "bob@x.org", "cat@x.org"].map((name) => [name, mayWrite]);
  const gateway = await startTestGateway({
    ...options,
    config: {
      gateway: {
        trustedProxies: ["127.0.0.1"],
        controlUi: { allowedOrigins: ["https://ok.example"] },
        auth: {
          mode: "trusted-proxy",
          token: undefined,
          identityScopes: { ...Object.fromEntries(everybody), "admin@x.org": ["operator.admin", ...mayWrite] },
          trustedProxy: { userHeader: "X-Auth-User", allowLoopback: true },
        },
      },
      ...options.config,
    } as never,
  });
  const as = (name: string): Promise<TestClient> => {
    const spec: ConnectSpec = {
      client: { id: "openclaw-control-ui", mode: "webchat", version: "2026.9.6", platform: "linux" },
      auth: {},
      scopes: name.toLowerCase() === "admin@x.org" ? ["operator.admin", ...mayWrite] : mayWrite,
      headers: { "x-forwarded-for": "203.0.113.9", "x-auth-user": name, origin: "https://ok.example" },
    };
    return gateway.connect(spec);
  };
  return { gateway, as };
}

/** The profile of whoever is connected. */
export const selfOf = async (client: TestClient) => (await client.call("users.self")).profile;
