import { afterAll, beforeAll, expect, test } from "bun:test";
import { startToolGateway, type ToolGateway, useTool } from "../../agents/testing/tool-gateway.ts";
import { answerNext, connectApproved, type TestNode } from "../../nodes/testing.ts";

let gateway: ToolGateway;
let phone: TestNode;
beforeAll(async () => {
  gateway = await startToolGateway({ gateway: { nodes: { commands: { allow: ["camera.snap"] } } } });
  const commands = ["camera.snap", "location.get", "notifications.actions", "system.notify", "device.info"];
  phone = await connectApproved(gateway, { platform: "android", displayName: "Ann's Phone", commands });
});
afterAll(() => gateway.stop());

const use = (args: object) => useTool(gateway, "nodes", args);

/** Has the model ask, and the phone answer. */
async function ask(args: object, answer: Record<string, unknown>) {
  const from = phone.client.frames.length;
  const [request, result] = await Promise.all([answerNext(phone, answer, from), use({ node: phone.id, ...args })]);
  return { request: { command: request.command, params: JSON.parse(request.paramsJSON) }, result };
}

test("tells of nodes by every name that they go by, and of none that are not there", async () => {
  const { nodes } = await use({ action: "status" });
  expect(nodes.map(({ nodeId }: { nodeId: string }) => nodeId)).toEqual([phone.id]);
  for (const node of [phone.id, "ann's phone", phone.id.slice(0, 8)]) {
    expect((await use({ action: "describe", node })).nodeId).toBe(phone.id);
  }
  expect(await use({ action: "pending" })).toMatchObject({ pending: [] });
  expect((await use({ action: "describe", node: "nope" })).error).toBe(
    "agent=main node=nope gateway=default action=describe: unknown node: nope",
  );
  expect((await use({ action: "describe" })).error).toContain('call nodes with action="status"');
});

test("asks a node in the words of its commands, and gives the model what it answers", async () => {
  const located = await ask(
    { action: "location_get", desiredAccuracy: "coarse", locationTimeoutMs: 500 },
    { ok: true, payload: { lat: 52.5, lon: 13.4 } },
  );
  expect(located.request).toEqual({ command: "location.get", params: { desiredAccuracy: "coarse", timeoutMs: 500 } });
  expect(located.result).toEqual({
    ok: true,
    nodeId: phone.id,
    command: "location.get",
    payload: { lat: 52.5, lon: 13.4 },
  });
  const replied = await ask(
    {
      action: "notifications_action",
      notificationKey: "n1",
      notificationAction: "reply",
      notificationReplyText: "yes",
    },
    { ok: true, payloadJSON: '{"done":true}' },
  );
  expect(replied.request.params).toEqual({ key: "n1", action: "reply", replyText: "yes" });
  expect(replied.result.payload).toEqual({ done: true });
  const invoked = await ask(
    { action: "invoke", invokeCommand: "device.info", invokeParamsJson: '{"verbose":true}' },
    { ok: false, error: { code: "LOCKED", message: "the device is locked" } },
  );
  expect(invoked.request).toEqual({ command: "device.info", params: { verbose: true } });
  expect(invoked.result.error).toContain("the device is locked");
});

test("shows a picture as a picture", async () => {
  const png = Buffer.alloc(200);
  png.write("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "latin1");
  const base64 = png.toString("base64");
  const { request, result } = await ask(
    { action: "camera_snap", facing: "front" },
    { ok: true, payload: { format: "jpg", base64 } },
  );
  expect(request).toEqual({ command: "camera.snap", params: { facing: "front", format: "jpg" } });
  expect(result.payload.base64).toBe("[picture, image/png]");
  expect(result.images).toEqual([{ type: "image", data: base64, mimeType: "image/png" }]);
});

test("70: runs no programs, and asks for nothing that the policy or the node does not have", async () => {
  const before = phone.client.events("node.invoke.request").length;
  const tried = (args: object) => use({ node: phone.id, ...args }).then(({ error }) => error);
  for (const invokeCommand of ["system.run", "system.run.prepare", "system.execApprovals.set", "browser.proxy"]) {
    expect(await tried({ action: "invoke", invokeCommand, invokeParamsJson: "{}" })).toContain("not for invoke");
  }
  expect(await tried({ action: "invoke", invokeCommand: "sms.send" })).toContain("opt-in");
  expect(await tried({ action: "device_status" })).toContain("device.status");
  expect(await tried({ action: "invoke", invokeCommand: "device.info", invokeParamsJson: "[1]" })).toContain(
    "JSON object",
  );
  expect(await tried({ action: "notify" })).toContain("title or body required");
  expect(await tried({ action: "approve" })).toContain("Validation failed");
  expect(phone.client.events("node.invoke.request")).toHaveLength(before);
});

test("is for owners alone", async () => {
  const by = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
  expect((await useTool(gateway, "nodes", { action: "status" }, { by })).error).toBe("Tool nodes not found");
});
