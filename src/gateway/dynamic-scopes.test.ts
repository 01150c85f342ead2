import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { METHODS, type MethodSpec } from "../../generated/methods.ts";
import { useTemporaryHome } from "../platform/testing-home.ts";
import { ALL_SCOPES, startTestGateway, type TestClient, type TestGateway } from "./testing.ts";

/** Which single scopes satisfy which, as in authorization.test.ts: written down, not read from the spec. */
const SATISFIES: Readonly<Record<string, readonly string[]>> = {
  "operator.admin": ["operator.admin"],
  "operator.write": ["operator.write", "operator.admin"],
  "operator.read": ["operator.read", "operator.write", "operator.admin"],
  "operator.pairing": ["operator.pairing", "operator.admin"],
};

/** For every method whose scope the params decide: params, and the scope they take (scopeRule in the spec). */
const RULES: Readonly<Record<string, readonly (readonly [params: object, scope: string])[]>> = {
  // A model of the caller's choosing is refused to writers in words of its own, see agent-calls.test.ts.
  agent: [[{ message: "hi", idempotencyKey: "k", sessionKey: "agent:main:scopes" }, "operator.write"]],
  "channels.pairing.approve": [
    [{ channel: "telegram", accountId: "default", requestId: "r" }, "operator.pairing"],
    [{ channel: "telegram", accountId: "default", requestId: "r", bootstrapCommandOwner: true }, "operator.admin"],
  ],
  "fs.listDir": [
    [{}, "operator.write"],
    [{ path: "/usr" }, "operator.admin"],
    [{ nodeId: "n" }, "operator.admin"],
  ],
  "node.invoke": [
    [{ nodeId: "n", command: "system.which", idempotencyKey: "k" }, "operator.write"],
    [{ nodeId: "n", command: "fs.listDir", idempotencyKey: "k" }, "operator.admin"],
    [{ nodeId: "n", command: "browser.proxy", idempotencyKey: "k" }, "operator.admin"],
    [{ nodeId: "n", command: "terminal.upload", idempotencyKey: "k" }, "operator.admin"],
  ],
  // Of wire 3 alone, where they take operator.pairing; on this one nobody but administrators learns of them.
  "node.pair.request": [[{ nodeId: "n" }, "operator.admin"]],
  "node.pair.verify": [[{ nodeId: "n", token: "t" }, "operator.admin"]],
  "plugins.sessionAction": [[{ pluginId: "a", actionId: "b" }, "operator.write"]],
  "sessions.create": [
    [{ key: "agent:main:scopes" }, "operator.write"],
    [{ key: "agent:main:scopes", execNode: "n" }, "operator.admin"],
    [{ key: "agent:main:scopes", incognito: true }, "operator.admin"],
  ],
  "sessions.delete": [
    [{ key: "agent:main:scopes" }, "operator.admin"],
    [{ key: "agent:main:scopes", archivedOnly: true }, "operator.write"],
  ],
  "sessions.patch": [
    [{ key: "agent:main:scopes", label: "x" }, "operator.write"],
    [{ key: "agent:main:scopes", execNode: "n" }, "operator.admin"],
  ],
  "sessions.patchMany": [
    [{ keys: ["agent:main:scopes"], patch: { pinned: true } }, "operator.write"],
    [{ keys: ["agent:main:scopes"], patch: { execNode: "n" } }, "operator.admin"],
  ],
  "talk.config": [
    [{}, "operator.read"],
    // Needs operator.read beside operator.talk.secrets; of single scopes only this one has both.
    [{ includeSecrets: true }, "operator.admin"],
  ],
};

useTemporaryHome();
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

test("every method of dynamic scope has its rules here", () => {
  const dynamic = Object.values(METHODS as Readonly<Record<string, MethodSpec>>).filter(
    ({ scope }) => scope === "dynamic",
  );
  expect(Object.keys(RULES).sort()).toEqual(dynamic.map(({ name }) => name).sort());
});

describe.each([null, ...ALL_SCOPES])("an operator with the scope %s", (scope) => {
  let client: TestClient;
  beforeAll(async () => {
    client = await gateway.connect({ scopes: scope === null ? [] : [scope] });
  });

  for (const [method, rules] of Object.entries(RULES)) {
    for (const [params, needed] of rules) {
      const isAllowed = scope !== null && SATISFIES[needed]!.includes(scope);
      test(`${isAllowed ? "may call" : "is refused"} ${method} ${JSON.stringify(params)}`, async () => {
        const { error } = await client.request(method, params);
        expect(error?.details?.code === "MISSING_SCOPE").toBe(!isAllowed);
      });
    }
  }
});
