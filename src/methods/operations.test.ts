import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeSpec, startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";

let gateway: TestGateway;
let admin: TestClient;
beforeAll(async () => {
  gateway = await startTestGateway();
  admin = await gateway.connect();
});
afterAll(() => gateway.stop());

describe("a suspended gateway", () => {
  test("refuses methods, nodes and webhooks, is not ready, and says so to those who come", async () => {
    const { payload } = await admin.request("gateway.suspend.prepare", { requestId: "r" });
    expect(payload.status).toBe("ready");
    expect((await admin.request("sessions.list", {})).error).toMatchObject({
      code: "UNAVAILABLE",
      retryable: true,
      retryAfterMs: 1000,
      details: { method: "sessions.list", reason: "gateway-suspending", phase: "prepared" },
    });
    expect((await admin.request("nope.x", {})).error.message).toBe("unknown method: nope.x");
    await expect(gateway.connect(nodeSpec())).rejects.toThrow("connect unavailable during gateway suspension");
    expect((await fetch(`${gateway.httpUrl}/readyz`)).status).toBe(503);
    expect((await fetch(`${gateway.httpUrl}/healthz`)).status).toBe(200);
    expect((await fetch(`${gateway.httpUrl}/hooks/wake`, { method: "POST", body: "{}" })).status).toBe(503);
    const other = await gateway.open();
    const hello = await other.hello({ auth: { token: gateway.token } });
    expect(hello.snapshot.suspension).toEqual({ phase: "prepared" });
    await admin.request("gateway.suspend.resume", { suspensionId: payload.suspensionId });
    expect((await admin.request("sessions.list", {})).ok).toBe(true);
    expect((await fetch(`${gateway.httpUrl}/readyz`)).status).toBe(200);
  });

  test("is refused to who is no administrator before anything else", async () => {
    const reader = await gateway.connect({ scopes: ["operator.read"] });
    expect((await reader.request("gateway.suspend.prepare", { requestId: "x" })).error.code).toBe("FORBIDDEN");
    expect((await reader.request("gateway.suspend.status", { suspensionId: "x" })).payload).toEqual({
      status: "running",
    });
  });
});

describe("fs.listDir", () => {
  const workspace = () => join(gateway.stateDir, "workspace");
  const as = (...scopes: string[]) => gateway.connect({ scopes });

  test("shows writers the workspaces and nothing else, links followed", async () => {
    mkdirSync(join(workspace(), "notes", ".kept"), { recursive: true });
    writeFileSync(join(workspace(), "file.md"), "");
    symlinkSync("/etc", join(workspace(), "out"));
    const writer = await as("operator.write");
    const { payload } = await writer.request("fs.listDir", {});
    expect(payload.path).toBe(workspace());
    expect(payload.parent).toBeUndefined();
    expect(payload.entries.map(({ name }: { name: string }) => name)).toEqual(["notes", "out"]);
    const notes = await writer.request("fs.listDir", { path: join(workspace(), "notes") });
    expect(notes.payload).toMatchObject({ parent: workspace(), entries: [{ name: ".kept", hidden: true }] });
    for (const path of [
      "/etc",
      join(workspace(), ".."),
      join(workspace(), "out"),
      join(workspace(), "out", "ssl"),
      "notes",
    ]) {
      const { error } = await writer.request("fs.listDir", { path });
      expect([path, error?.message]).toEqual([path, "missing scope: operator.admin"]);
    }
  });

  test("shows administrators every folder, and refuses what is none", async () => {
    const { payload } = await admin.request("fs.listDir", { path: "/usr/../" });
    expect(payload.path).toBe("/");
    expect(payload.entries.some(({ path }: { path: string }) => path === "/usr")).toBe(true);
    const problem = async (path: string) => (await admin.request("fs.listDir", { path })).error.message;
    expect(await problem("relative")).toBe("fs.listDir path must be absolute");
    expect(await problem("/tmp/\0x")).toBe("fs.listDir path must be absolute");
    expect(await problem("/nope/nope")).toBe("ENOENT: no such file or directory, scandir '/nope/nope' | ENOENT");
    expect(await problem("/etc/passwd")).toBe("ENOTDIR: not a directory, scandir '/etc/passwd' | ENOTDIR");
  });

  test("is not for readers, nor on nodes for writers", async () => {
    expect((await (await as("operator.read")).request("fs.listDir", {})).error.message).toBe(
      "missing scope: operator.write",
    );
    const writer = await as("operator.write");
    expect((await writer.request("fs.listDir", { nodeId: "n" })).error.message).toBe("missing scope: operator.admin");
    expect((await admin.request("fs.listDir", { nodeId: "n", path: "/" })).ok).toBe(false);
  });
});

test("update.run says that the gateway does not replace itself", async () => {
  const { payload } = await admin.request("update.run", {});
  expect(payload).toMatchObject({
    ok: false,
    result: { status: "skipped", reason: "managed-service-handoff-unavailable" },
  });
  expect((await admin.request("update.runs.list", {})).payload).toEqual({ runs: [] });
});

test("audit.run.inspect knows the runs of the ledger", async () => {
  expect((await admin.request("audit.run.inspect", { runId: "none" })).payload.run.status).toBe("unknown");
  gateway.services.bus.publish("agent", {
    runId: "known-run",
    stream: "lifecycle",
    data: { phase: "start" },
    agentId: "main",
    seq: 1,
    ts: 1,
  });
  const { payload } = await admin.request("audit.run.inspect", { runId: "known-run" });
  expect(payload).toMatchObject({ run: { status: "known" }, coverage: { state: "unsupported" } });
});
