import { expect, test } from "bun:test";
import type { GatewayConfig } from "../../generated/config.ts";
import { configuredSecrets, environmentSecrets } from "./configured-secrets.ts";

const config = {
  gateway: { auth: { mode: "token", token: "gateway-token", password: "gateway-password" }, port: 1 },
  models: {
    providers: {
      one: { apiKey: "key-of-one", headers: { "Content-Type": "application/json", "X-Api-Key": "key-in-header" } },
      two: { apiKey: "OPENAI_API_KEY" },
      three: { apiKey: { source: "env", id: "NAME_OF_VARIABLE", provider: "default" } },
    },
  },
  env: { vars: { TZ: "Europe/Berlin", MY_TOKEN: "token-in-vars" } },
  hooks: { token: "hook-token", gmail: { pushToken: "push-token" }, mappings: [{ sessionKey: "agent:main:main" }] },
  channels: { telegram: { botToken: "bot-token", name: "not one" } },
  unknownSection: { token: "token-in-unknown-section", maxTokens: "12" },
} as unknown as GatewayConfig;

test("secrets by the spec, elsewhere and of variables and headers those with a telling name; never references", () => {
  expect([...configuredSecrets(config)].sort()).toEqual(
    [
      "bot-token",
      "gateway-password",
      "gateway-token",
      "hook-token",
      "key-in-header",
      "key-of-one",
      "push-token",
      "token-in-unknown-section",
      "token-in-vars",
    ].sort(),
  );
});

test("the environment's secrets by name", () => {
  const env = { PATH: "/bin", OPENAI_API_KEY: " value ", DB_PASSWORD: "p", EMPTY_TOKEN: "" };
  expect(environmentSecrets(env)).toEqual(["value", "p"]);
});
