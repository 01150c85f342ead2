import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { METHODS, type MethodSpec } from "../../generated/methods.ts";
import { ALL_SCOPES, startTestGateway, type TestClient, type TestGateway } from "./testing.ts";

const SPECS: readonly MethodSpec[] = Object.values(METHODS as Readonly<Record<string, MethodSpec>>);

/** Which single scopes satisfy which, besides themselves (BEHAVIOUR section 4). */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  "operator.read": ["operator.write", "operator.admin"],
};

function mayCall(spec: MethodSpec, scope: string | null): boolean {
  if (spec.scope === null || spec.scope === "dynamic") return true;
  if (scope === null) return false;
  return scope === spec.scope || (WIDER[spec.scope] ?? ["operator.admin"]).includes(scope);
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

describe.each([null, ...ALL_SCOPES])("an operator with the scope %s", (scope) => {
  let client: TestClient;
  beforeAll(async () => {
    client = await gateway.connect({ scopes: scope === null ? [] : [scope] });
  });

  for (const spec of SPECS) {
    if (spec.role === "node") {
      test(`is refused ${spec.name}, which is for nodes`, async () => {
        const { error } = await client.request(spec.name, {});
        expect(error).toEqual({ code: "INVALID_REQUEST", message: "unauthorized role: operator" });
      });
    } else if (!mayCall(spec, scope)) {
      test(`is refused ${spec.name}, before its parameters are looked at`, async () => {
        const { error } = await client.request(spec.name, { __unexpected: 1 });
        expect(error).toEqual({
          code: "FORBIDDEN",
          message: `missing scope: ${spec.scope}`,
          details: { code: "MISSING_SCOPE", missingScope: spec.scope, requiredScopes: [spec.scope] },
        });
      });
    } else if (spec.scope !== "dynamic") {
      test(`may call ${spec.name}`, async () => {
        const { error } = await client.request(spec.name, { __unexpected: 1 });
        expect(error?.details?.code).not.toBe("MISSING_SCOPE");
        expect(error?.message ?? "").not.toStartWith("unauthorized role");
      });
    }
  }

  test("hears of an unknown method only as administrator", async () => {
    const { error } = await client.request("nope.x", {});
    if (scope === "operator.admin") {
      expect(error).toEqual({ code: "INVALID_REQUEST", message: "unknown method: nope.x" });
    } else {
      expect(error.message).toBe("missing scope: operator.admin");
    }
  });
});

describe("a node", () => {
  let node: TestClient;
  beforeAll(async () => {
    node = await gateway.connect({ role: "node" });
  });

  for (const spec of SPECS) {
    test(spec.role === "operator" ? `is refused ${spec.name}` : `may call ${spec.name}`, async () => {
      const { error } = await node.request(spec.name, {});
      const refused = error?.message === "unauthorized role: node";
      expect(refused).toBe(spec.role === "operator");
    });
  }

  test("is refused what does not exist in the same words", async () => {
    expect((await node.request("nope.x", {})).error.message).toBe("unauthorized role: node");
  });
});

test("a planned method answers like an unknown one", async () => {
  const client = await gateway.connect();
  expect((await client.request("wizard.start", {})).error.message).toBe("unknown method: wizard.start");
});

test("6: no method runs before a successful connect", async () => {
  const client = await gateway.open();
  client.send({ type: "req", id: "1", method: "set-heartbeats", params: { enabled: false } });
  expect(await client.ended()).toEqual({ code: 1008, reason: "invalid handshake: first request must be connect" });
  expect(await gateway.services.heartbeats.enabled()).toBe(true);
});
