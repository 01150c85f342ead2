import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { linkSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { type Payload, startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";

let gateway: TestGateway;
let client: TestClient;
let workspace: string;
const outside = (name: string): string => join(gateway.stateDir, name);

beforeAll(async () => {
  gateway = await startTestGateway();
  client = await gateway.connect();
  workspace = join(gateway.stateDir, "workspace");
});
afterAll(() => gateway.stop());

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC",
  "base64",
);
const put = (name: string, content: string | Buffer): void => writeFileSync(join(workspace, name), content);
const get = (path: string) => client.request("agents.workspace.get", { agentId: "main", path });
const list = (params: object) => client.request("agents.workspace.list", { agentId: "main", ...params });

test("agents.workspace.list says that a workspace is not there yet", async () => {
  expect((await list({})).error).toEqual({
    code: "INVALID_REQUEST",
    message: "workspace directory not found",
    details: { type: "workspace_path_not_found", path: "" },
  });
});

describe("a workspace", () => {
  beforeAll(() => {
    mkdirSync(join(workspace, "notes/deep"), { recursive: true });
    mkdirSync(join(workspace, "Assets"));
    put("b.txt", "bee");
    put("A.md", "ay");
    put("notes/one.txt", "1");
    put("real.png", PNG);
    put("fake.png", "text");
    put("zero.txt", "a\0b");
    put("latin.txt", Buffer.from([0xe9]));
    writeFileSync(outside("secret.txt"), "outside");
    symlinkSync(outside("secret.txt"), join(workspace, "link.txt"));
    symlinkSync(gateway.stateDir, join(workspace, "linked"));
    linkSync(outside("secret.txt"), join(workspace, "second-name.txt"));
  });

  test("is listed with folders first, each by name, without links", async () => {
    const { payload } = await list({});
    expect(payload.entries.map((entry: Payload) => [entry.kind, entry.path])).toEqual([
      ["directory", "Assets"],
      ["directory", "notes"],
      ["file", "A.md"],
      ["file", "b.txt"],
      ["file", "fake.png"],
      ["file", "latin.txt"],
      ["file", "real.png"],
      ["file", "second-name.txt"],
      ["file", "zero.txt"],
    ]);
    expect(payload).toMatchObject({ agentId: "main", path: "", totalEntries: 9, offset: 0 });
    expect(payload).not.toHaveProperty("parentPath");
    expect(payload.entries[0]).not.toHaveProperty("size");
    expect(payload.entries[2]).toMatchObject({ name: "A.md", size: 2 });
  });

  test("is listed by pages and folders", async () => {
    expect((await list({ offset: 1, limit: 2 })).payload.entries.map((entry: Payload) => entry.name)).toEqual([
      "notes",
      "A.md",
    ]);
    expect((await list({ offset: 99 })).payload).toMatchObject({ entries: [], totalEntries: 9, offset: 9 });
    expect((await list({ path: "./notes//" })).payload).toMatchObject({
      path: "notes",
      parentPath: "",
      entries: [{ path: "notes/deep" }, { path: "notes/one.txt" }],
    });
    expect((await list({ path: "notes\\deep" })).payload).toMatchObject({ path: "notes/deep", parentPath: "notes" });
  });

  test("shows texts and pictures, and nothing else", async () => {
    expect((await get("notes/one.txt")).payload.file).toMatchObject({
      path: "notes/one.txt",
      name: "one.txt",
      size: 1,
      mimeType: "text/plain",
      encoding: "utf8",
      content: "1",
    });
    expect((await get("real.png")).payload.file).toMatchObject({
      mimeType: "image/png",
      encoding: "base64",
      content: PNG.toString("base64"),
    });
    expect((await get("fake.png")).payload.file).toMatchObject({ mimeType: "text/plain", content: "text" });
    for (const path of ["zero.txt", "latin.txt"]) {
      expect((await get(path)).error).toMatchObject({
        message: "workspace file is not UTF-8 text or a supported image",
        details: { type: "workspace_file_unsupported", path },
      });
    }
  });

  test("shows texts up to the bound", async () => {
    const maxBytes = LIMITS.workspacePreviewBytes;
    put("notes/fits.txt", "x".repeat(maxBytes));
    put("notes/long.txt", "x".repeat(maxBytes + 1));
    expect((await get("notes/fits.txt")).payload.file.size).toBe(maxBytes);
    expect((await get("notes/long.txt")).error).toMatchObject({
      message: "workspace file is too large to preview",
      details: { type: "workspace_file_too_large", path: "notes/long.txt", maxBytes, size: maxBytes + 1 },
    });
  });

  test.each([
    ["../openclaw.json", "path escapes the agent workspace"],
    ["notes/../../openclaw.json", "path escapes the agent workspace"],
    ["notes\\..\\..\\openclaw.json", "path escapes the agent workspace"],
    ["/etc/passwd", "path must be workspace-relative"],
    ["C:\\x", "path must be workspace-relative"],
    ["\\\\host\\x", "path must be workspace-relative"],
    ["~/x", "workspace file not found"],
    ["notes/../b.txt", "workspace file not found"],
    ["b.txt\0", "workspace file not found"],
    ["link.txt", "workspace file not found"],
    ["linked/secret.txt", "workspace file not found"],
    ["linked/openclaw.json", "workspace file not found"],
    ["second-name.txt", "workspace file not found"],
    ["notes", "workspace file not found"],
    [".", "workspace file not found"],
  ])("attack 58: %p leads nowhere", async (path, message) => {
    const { error } = await get(path);
    expect(error).toMatchObject({ code: "INVALID_REQUEST", message });
  });

  test("attack 58: a folder that becomes a link leads nowhere", async () => {
    mkdirSync(outside("elsewhere"));
    writeFileSync(join(outside("elsewhere"), "one.txt"), "outside");
    renameSync(join(workspace, "notes"), join(workspace, "before"));
    symlinkSync(outside("elsewhere"), join(workspace, "notes"));
    expect((await get("notes/one.txt")).error.message).toBe("workspace file not found");
    expect((await list({ path: "notes" })).error.message).toBe("workspace directory not found");
    expect((await list({ path: "linked" })).error.message).toBe("workspace directory not found");
  });
});
