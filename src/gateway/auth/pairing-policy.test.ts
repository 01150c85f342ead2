import { describe, expect, test } from "bun:test";
import type { GatewayConfig } from "../../../generated/config.ts";
import type { ConnectParams } from "../../../generated/types.ts";
import type { DeviceRole } from "../../devices/types.ts";
import type { PeerFacts } from "../peer.ts";
import { pairingPolicy } from "./pairing-policy.ts";

const peer = (more: Partial<PeerFacts> = {}): PeerFacts => ({
  remoteAddress: "192.0.2.7",
  isLoopback: false,
  isLocalDirect: false,
  ...more,
});

function decide(
  from: PeerFacts,
  more: { role?: DeviceRole; scopes?: string[]; reason?: "not-paired" | "role-upgrade" } = {},
) {
  const { role = "node", scopes = [], reason = "not-paired" } = more;
  const config = { gateway: { auth: {}, nodes: { pairing: { autoApproveCidrs: ["192.0.2.0/24", "127.0.0.1"] } } } };
  const client = { id: "node-host", mode: "node", version: "1", platform: "linux" };
  const policy = pairingPolicy({
    params: { minProtocol: 4, maxProtocol: 4, client } as ConnectParams,
    peer: from,
    config: config as unknown as GatewayConfig,
    wish: { deviceId: "d", publicKey: "k", role, scopes, facts: {} },
    auth: { method: "token" },
  });
  if (policy === "exempt") throw new Error("exempt");
  return policy.approve(reason)?.via ?? null;
}

describe("a new node from a network that the configuration names", () => {
  test("is approved, directly or through a proxy elsewhere", () => {
    expect(decide(peer())).toBe("trusted-cidr");
    expect(decide(peer({ proxyAddress: "10.0.0.1" }))).toBe("trusted-cidr");
  });

  test.each([
    ["from another network", peer({ remoteAddress: "198.51.100.1" }), {}],
    ["that asks for scopes", peer(), { scopes: ["operator.read"] }],
    ["that is an operator", peer(), { role: "operator" }],
    ["that was approved as something else", peer(), { reason: "role-upgrade" }],
    ["that is a page", peer({ origin: "http://192.0.2.7" }), {}],
    ["through a proxy of this machine, where any process could say so", peer({ proxyAddress: "127.0.0.1" }), {}],
    ["through a proxy of this machine by IPv6", peer({ proxyAddress: "::1" }), {}],
  ] as const)("is not when it is one %s", (_name, from, more) => {
    expect(decide(from, more as Parameters<typeof decide>[1])).toBeNull();
  });
});
