import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";
import { answerNext, connectApproved, type TestNode } from "./testing.ts";

let gateway: TestGateway;
let operator: TestClient;

beforeEach(async () => {
  gateway = await startTestGateway();
  operator = await gateway.connect();
});
afterEach(() => gateway.stop());

const heard = ({ client }: TestNode): number => client.events("node.invoke.request").length;
const browserNode = (displayName = "Browser") =>
  connectApproved(gateway, { displayName, caps: ["browser"], commands: ["browser.proxy"] });

/** Calls a method that asks the node, and gives what the node was asked and what came of it. */
async function relayed(node: TestNode, method: string, params: object, result: object) {
  const from = node.client.frames.length;
  const answered = operator.request(method, params);
  const asked = await answerNext(node, { ok: true, ...result }, from);
  return { command: asked.command, params: JSON.parse(asked.paramsJSON), answer: await answered };
}

describe("29: the browser routes of a node", () => {
  test.each([
    ["POST", "/profiles/create"],
    ["POST", "profiles/create/"],
    ["post", "/reset-profile"],
    ["DELETE", "/profiles/work"],
    ["POST", "/profiles/import"],
    ["POST", "/profiles%2Fcreate"],
    ["POST", "//profiles/create"],
    ["POST", "/x/../profiles/create"],
    ["POST", "/./reset-profile"],
    ["POST", "/profiles\\create"],
    ["POST", "/reset-profile?x=1"],
    ["POST", "/%72eset-profile/../%2e%2e"],
    ["PATCH", "/profiles/work"],
  ])("that change profiles, %s %s, are not relayed, even for an administrator", async (method, path) => {
    const node = await browserNode();
    const { error } = await operator.request("browser.request", { method, path, target: "node" });
    expect(error.code).toBe("INVALID_REQUEST");
    expect(heard(node)).toBe(0);
  });

  test("are for administrators alone", async () => {
    const node = await browserNode();
    const writer = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    for (const [method, params] of [
      ["browser.request", { method: "GET", path: "/tabs" }],
      ["browser.open", { url: "https://example.com" }],
    ] as const) {
      const { error } = await writer.request(method, params);
      expect(error).toMatchObject({ code: "FORBIDDEN", details: { missingScope: "operator.admin" } });
    }
    expect(heard(node)).toBe(0);
  });

  test("answer with what the node's route answered", async () => {
    const node = await browserNode();
    const params = { method: "get", path: "tabs/", query: { profile: "p" }, surprise: 1 };
    const call = await relayed(node, "browser.request", params, { payload: { result: { tabs: [] } } });
    expect(call).toMatchObject({ command: "browser.proxy", answer: { ok: true, payload: { tabs: [] } } });
    const { profile, method, path, query, timeoutMs, errorEnvelope } = call.params;
    expect([method, path, query, profile, timeoutMs]).toEqual(["GET", "/tabs", { profile: "p" }, "p", 20_000]);
    expect(errorEnvelope).toBe("browser-v1");
    expect(call.params.surprise).toBeUndefined();
  });

  test("with files are refused: their paths are another machine's", async () => {
    const node = await browserNode();
    const payload = { result: { path: "/tmp/x.png" }, files: [{ path: "/tmp/x.png", base64: "" }] };
    const { answer } = await relayed(node, "browser.request", { method: "GET", path: "/pdf" }, { payload });
    expect(answer.error.message).toBe("browser proxy file transfer failed");
  });
});

describe("a tab", () => {
  test("is opened by a node's browser", async () => {
    const node = await browserNode();
    const tab = { targetId: "t1", url: "https://example.com/" };
    const { params, answer } = await relayed(node, "browser.open", { url: tab.url }, { payload: { result: tab } });
    expect(params).toMatchObject({ method: "POST", path: "/tabs/open", body: { url: tab.url } });
    expect(answer.payload).toEqual(tab);
  });

  test.each(["file:///etc/passwd", "data:text/html,x", "view-source:https://example.com", "javascript:1", "nothing"])(
    "94: is not opened for %s, by whichever method",
    async (url) => {
      const node = await browserNode();
      expect((await operator.request("browser.open", { url })).error.code).toBe("INVALID_REQUEST");
      for (const path of ["/tabs/open", "/navigate"]) {
        const { error } = await operator.request("browser.request", { method: "POST", path, body: { url } });
        expect(error.code).toBe("INVALID_REQUEST");
      }
      expect(heard(node)).toBe(0);
    },
  );

  test("needs a node to be named when there are several, and is opened by that one", async () => {
    const first = await browserNode("Attic PC");
    const second = await browserNode("Cellar PC");
    const ask = { method: "GET", path: "/tabs", target: "node" };
    const { error } = await operator.request("browser.request", ask);
    expect(error.message).toContain("Multiple browser-capable nodes connected (2)");
    const call = await relayed(second, "browser.request", { ...ask, node: "cellar-pc" }, { payload: { result: [] } });
    expect(call.answer.payload).toEqual([]);
    const { error: unknown } = await operator.request("browser.request", { ...ask, node: "garden" });
    expect(unknown.message).toContain("unknown node: garden");
    expect(heard(first)).toBe(0);
  });
});

describe("a canvas", () => {
  test("is shown by the one node that has it", async () => {
    const { error } = await operator.request("canvas.present", { idempotencyKey: "k0" });
    expect(error).toMatchObject({ code: "UNAVAILABLE", message: "No connected canvas-capable nodes." });
    const mac = await connectApproved(gateway, { platform: "macos", caps: ["canvas"], commands: ["canvas.present"] });
    const params = { target: "https://example.com", x: 1, width: 300, idempotencyKey: "k1" };
    const call = await relayed(mac, "canvas.present", params, { payload: { shown: true } });
    expect(call.params).toEqual({ url: "https://example.com", placement: { x: 1, width: 300 } });
    expect(call.answer.payload).toMatchObject({ nodeId: mac.id, command: "canvas.present", payload: { shown: true } });
    const again = await operator.call("canvas.present", params);
    expect(again).toEqual(call.answer.payload);
    expect(heard(mac)).toBe(1);
    const refused = await operator.request("canvas.present", { target: "file:///etc/passwd", idempotencyKey: "k2" });
    expect(refused.error.code).toBe("INVALID_REQUEST");
  });

  test("of a platform whose policy has none is not shown", async () => {
    const node = await connectApproved(gateway, { caps: ["canvas"], commands: ["canvas.present"] });
    const { error } = await operator.request("canvas.present", { nodeId: node.id, idempotencyKey: "k" });
    expect(error.message).toStartWith("node command not allowed:");
  });
});

describe("83: a node's document of allowed commands", () => {
  const commands = ["system.execApprovals.get", "system.execApprovals.set"];
  const snapshot = { path: "/x", exists: true, hash: "h", file: { version: 1 } };

  test("is read and written on the node, which compares the hash", async () => {
    const node = await connectApproved(gateway, { commands });
    const read = await relayed(node, "exec.approvals.node.get", { nodeId: node.id }, { payload: snapshot });
    expect([read.command, read.params, read.answer.payload]).toEqual([commands[0], {}, snapshot]);
    const write = { nodeId: node.id, file: { version: 1 }, baseHash: "h" };
    const set = await relayed(node, "exec.approvals.node.set", write, { payload: snapshot });
    expect([set.command, set.params]).toEqual([commands[1], { file: { version: 1 }, baseHash: "h" }]);
  });

  test("is shown without the token of the node's socket, after a write, too", async () => {
    const node = await connectApproved(gateway, { commands });
    const file = { version: 1, socket: { path: "/run/a.sock", token: "node-secret" }, agents: {} };
    const payload = { ...snapshot, file };
    for (const method of ["exec.approvals.node.get", "exec.approvals.node.set"]) {
      const params = { nodeId: node.id, ...(method.endsWith("set") && { file: { version: 1 }, baseHash: "h" }) };
      const { answer } = await relayed(node, method, params, { payload });
      expect(answer.payload.file).toEqual({ version: 1, socket: { path: "/run/a.sock" }, agents: {} });
      expect(JSON.stringify(answer)).not.toContain("node-secret");
    }
    const { answer } = await relayed(
      node,
      "exec.approvals.node.get",
      { nodeId: node.id },
      { payload: { ...snapshot, file: { version: 1, socket: { token: "node-secret" } } } },
    );
    expect(answer.payload.file).toEqual({ version: 1 });
  });

  test("is for administrators, and only of a node that may be asked for it", async () => {
    const node = await connectApproved(gateway, { commands: ["system.which"] });
    const { error } = await operator.request("exec.approvals.node.get", { nodeId: node.id });
    expect(error.message).toStartWith("node command not allowed: system.execApprovals.get (");
    const others = await gateway.connect({ scopes: ["operator.read", "operator.write", "operator.approvals"] });
    for (const method of ["exec.approvals.node.get", "exec.approvals.node.set"]) {
      const refused = await others.request(method, { nodeId: node.id, file: { version: 1 } });
      expect(refused.error.details.missingScope).toBe("operator.admin");
    }
    expect(heard(node)).toBe(0);
  });
});
