import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { METHODS, type MethodSpec } from "../../generated/methods.ts";
import { Samples } from "../../scripts/codegen/samples/read.ts";
import { hasScope } from "../platform/scopes.ts";
import { ALL_SCOPES, nodeSpec, startTestGateway, type TestClient, type TestGateway } from "./testing.ts";

const ROOT = join(import.meta.dir, "..", "..");
const SPECS: readonly MethodSpec[] = Object.values(METHODS as Readonly<Record<string, MethodSpec>>);

/**
 * Which single scopes satisfy which, besides themselves and operator.admin, which satisfies all. Written down here, not
 * read from the spec, so that a slip in the spec is seen (BEHAVIOUR section 4; documentation of upstream: operator scopes).
 */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  "operator.read": ["operator.write"],
  "operator.talk": ["operator.write"],
};

const satisfies = (held: string, needed: string): boolean =>
  held === needed || held === "operator.admin" || (WIDER[needed] ?? []).includes(held);

function mayCall(spec: MethodSpec, scope: string | null): boolean {
  if (spec.scope === null || spec.scope === "dynamic") return true;
  if (scope === null) return false;
  return satisfies(scope, spec.scope);
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
    node = await gateway.connect(nodeSpec());
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

test("one scope satisfies another only where the table says so", () => {
  for (const held of ALL_SCOPES) {
    for (const needed of [...ALL_SCOPES, "operator.future"]) {
      const holds = hasScope({ scopes: new Set([held]) }, needed);
      expect([held, needed, holds]).toEqual([held, needed, satisfies(held, needed)]);
    }
  }
  expect(hasScope({ scopes: new Set(["toString", "constructor"]) }, "operator.read")).toBe(false);
  expect(hasScope({ scopes: new Set() }, "constructor")).toBe(false);
});

describe("a planned method answers like an unknown one", () => {
  const planned = Object.keys(new Samples(ROOT).methods).filter(
    (name) => !Object.hasOwn(METHODS, name) && name !== "connect",
  );

  test("to an administrator", async () => {
    const client = await gateway.connect({ scopes: ["operator.admin"] });
    for (const name of planned) {
      const { error } = await client.request(name, {});
      expect(error).toEqual({ code: "INVALID_REQUEST", message: `unknown method: ${name}` });
    }
  });

  test("to an operator with every scope but that of administrators", async () => {
    const client = await gateway.connect({ scopes: ALL_SCOPES.filter((scope) => scope !== "operator.admin") });
    for (const name of planned) {
      const { error } = await client.request(name, {});
      expect([name, error.code, error.message]).toEqual([name, "FORBIDDEN", "missing scope: operator.admin"]);
    }
  });

  test("to a node, also where upstream has it for nodes", async () => {
    const node = await gateway.connect(nodeSpec());
    for (const name of planned) {
      expect([name, (await node.request(name, {})).error.message]).toEqual([name, "unauthorized role: node"]);
    }
  });
});

test("6: no method runs before a successful connect", async () => {
  const client = await gateway.open();
  client.send({ type: "req", id: "1", method: "set-heartbeats", params: { enabled: false } });
  expect(await client.ended()).toEqual({ code: 1008, reason: "invalid handshake: first request must be connect" });
  expect(await gateway.services.heartbeats.enabled()).toBe(true);
});
