import { describe, expect, test } from "bun:test";
import { CONFIG_DEFAULTS, type GatewayConfig } from "../../generated/config.ts";
import { bindPlan, hasShortSecret, isExposed, requireAuth } from "./bind.ts";

const INTERFACES = {
  lo: [{ address: "127.0.0.1", family: "IPv4" as const }],
  eth0: [{ address: "192.168.1.5", family: "IPv4" as const }],
};
const TAILNET = { ...INTERFACES, tailscale0: [{ address: "100.101.102.103", family: "IPv4" as const }] };

type Gateway = GatewayConfig["gateway"];
const plan = (gateway: Pick<Gateway, "bind"> & Partial<Gateway>, interfaces = INTERFACES) =>
  bindPlan(gateway, interfaces);

describe("where the gateway listens", () => {
  test("loopback and auto: this machine alone", () => {
    for (const bind of ["loopback", "auto"] as const) {
      expect(plan({ bind })).toEqual({ hosts: ["127.0.0.1"], also: ["::1"] });
      expect(isExposed(plan({ bind }))).toBe(false);
    }
  });

  test("lan: every IPv4 address", () => {
    expect(plan({ bind: "lan" }).hosts).toEqual(["0.0.0.0"]);
    expect(isExposed(plan({ bind: "lan" }))).toBe(true);
  });

  test("tailnet: the Tailscale address beside loopback, or loopback alone", () => {
    expect(plan({ bind: "tailnet" }, TAILNET).hosts).toEqual(["100.101.102.103", "127.0.0.1"]);
    expect(plan({ bind: "tailnet" }).hosts).toEqual(["127.0.0.1"]);
    expect(isExposed(plan({ bind: "tailnet" }))).toBe(false);
  });

  test("custom: one IPv4 address, beside loopback where it does not cover it", () => {
    expect(plan({ bind: "custom", customBindHost: "10.0.0.7" }).hosts).toEqual(["10.0.0.7", "127.0.0.1"]);
    expect(plan({ bind: "custom", customBindHost: "0.0.0.0" }).hosts).toEqual(["0.0.0.0"]);
    expect(plan({ bind: "custom", customBindHost: "127.0.0.1" }).hosts).toEqual(["127.0.0.1"]);
    for (const customBindHost of [undefined, "", "::1", "localhost", "10.0.0.256"]) {
      expect(() => plan({ bind: "custom", customBindHost })).toThrow("gateway.customBindHost");
    }
  });
});

describe("who is let in", () => {
  const check =
    (bind: Gateway["bind"], auth: Partial<Gateway["auth"]>, more: Partial<Gateway> = {}) =>
    () => {
      const gateway = { ...CONFIG_DEFAULTS.gateway, ...more, bind, auth: { ...CONFIG_DEFAULTS.gateway.auth, ...auth } };
      requireAuth(plan({ bind }), { ...CONFIG_DEFAULTS, gateway } as unknown as GatewayConfig);
    };

  test("nobody from elsewhere without authentication", () => {
    expect(check("lan", { mode: "none" })).toThrow("gateway.auth.mode: is none");
    expect(check("loopback", { mode: "none" })).not.toThrow();
    expect(check("lan", { mode: "token", token: "t" })).not.toThrow();
  });

  test("a mode needs its secret", () => {
    expect(check("loopback", { mode: "password" })).toThrow("gateway.auth.password");
    expect(check("loopback", { mode: "token" })).toThrow("gateway.auth.token");
    expect(check("lan", { mode: "password", password: "p" })).not.toThrow();
  });

  test("neither blank nor placeholder secrets (18)", () => {
    for (const token of [
      "",
      "  ",
      "undefined",
      "null",
      "replace-with-a-long-random-token",
      "your-long-random-token",
      "<token>",
    ]) {
      expect(check("loopback", { mode: "token", token })).toThrow("gateway.auth.token");
      expect(check("loopback", { mode: "password", password: token })).toThrow("gateway.auth.password");
    }
  });

  test("a short secret is warned about (18)", () => {
    const short = (auth: object) => hasShortSecret({ gateway: { auth } } as GatewayConfig);
    expect(short({ mode: "token", token: "x".repeat(23) })).toBe(true);
    expect(short({ mode: "token", token: "x".repeat(24) })).toBe(false);
    expect(short({ mode: "password", password: "12345678" })).toBe(true);
    expect(short({ mode: "none" })).toBe(false);
  });

  test("a trusted proxy needs an address", () => {
    expect(check("lan", { mode: "trusted-proxy" })).toThrow("gateway.trustedProxies");
    expect(check("lan", { mode: "trusted-proxy" }, { trustedProxies: ["10.0.0.1"] })).not.toThrow();
  });
});
