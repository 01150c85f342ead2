import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { getSessionFile, listSessionFiles } from "./session-files.ts";
import type { Sessions } from "./sessions.ts";
import { refusal, testSessions } from "./testing.ts";

const folder = mkdtempSync(join(tmpdir(), "chela-session-files-"));
const root = join(folder, "root");
let sessions: Sessions;

beforeAll(async () => {
  mkdirSync(join(root, "notes", "deep"), { recursive: true });
  mkdirSync(join(root, ".git"));
  writeFileSync(join(root, ".git", "plan.md"), "of git");
  writeFileSync(join(folder, "outside.txt"), "a secret");
  writeFileSync(join(root, "a.txt"), "text\n");
  writeFileSync(join(root, "b.bin"), Buffer.from([0, 1, 2]));
  writeFileSync(join(root, "big.txt"), "x".repeat(LIMITS.workspacePreviewBytes + 1));
  writeFileSync(join(root, "notes", "deep", "Plan.md"), "# Plan");
  symlinkSync(join(folder, "outside.txt"), join(root, "link.txt"));
  symlinkSync(folder, join(root, "linked"));
  linkSync(join(folder, "outside.txt"), join(root, "second-name.txt"));
  ({ sessions } = testSessions());
  const session = sessions.blank("agent:main:s", 1, "operator");
  const entry = { ...session.entry, sessionRoot: root };
  await sessions.repository.update(session.key, () => ({ ...session, entry }));
});
afterAll(() => rmSync(folder, { recursive: true }));

const paths = async (params: { path?: string; search?: string }) =>
  (await listSessionFiles(sessions, { sessionKey: "s", ...params })).browser?.entries.map(({ path }) => path);

describe("sessions.files.list", () => {
  test("shows a folder of where the session works, without links", async () => {
    expect(await listSessionFiles(sessions, { sessionKey: "s" })).toMatchObject({
      sessionKey: "s",
      root,
      gitCheckout: true,
      files: [],
      browser: { path: "" },
    });
    expect(await paths({})).toEqual([".git", "notes", "a.txt", "b.bin", "big.txt", "second-name.txt"]);
    const { browser } = await listSessionFiles(sessions, { sessionKey: "s", path: "notes/deep" });
    expect(browser).toMatchObject({ path: "notes/deep", parentPath: "notes", entries: [{ name: "Plan.md", size: 6 }] });
  });

  test("finds names in folders below, in any case, but not in what programs keep for themselves", async () => {
    expect(await paths({ search: " PLAN " })).toEqual(["notes/deep/Plan.md"]);
    expect(await paths({ search: "nothing" })).toEqual([]);
  });

  test.each(["../..", "/etc", "linked", "a.txt", "nope"])("attack 58: %p shows nothing", async (path) => {
    expect(await paths({ path })).toBeUndefined();
  });

  test("knows nothing of a session that does not exist", async () => {
    expect(await listSessionFiles(sessions, { sessionKey: "nope" })).toEqual({ sessionKey: "nope", files: [] });
  });
});

describe("sessions.files.get", () => {
  test("shows a text with its hash", async () => {
    const { file } = await getSessionFile(sessions, { sessionKey: "s", path: "./a.txt" });
    expect(file).toMatchObject({
      path: "a.txt",
      kind: "read",
      previewKind: "text",
      content: "text\n",
      hash: new Bun.CryptoHasher("sha256").update("text\n").digest("hex"),
    });
  });

  test.each(["b.bin", "big.txt"])("names %s without its content", async (path) => {
    const { file } = await getSessionFile(sessions, { sessionKey: "s", path });
    expect(file).toMatchObject({ path, previewKind: "unsupported" });
    expect(file.content).toBeUndefined();
  });

  test.each([
    "../outside.txt",
    "/etc/passwd",
    "link.txt",
    "linked/outside.txt",
    "second-name.txt",
    "notes",
    "",
    "C:\\x",
  ])("attack 58: %p leads nowhere", async (path) => {
    expect(await refusal(() => getSessionFile(sessions, { sessionKey: "s", path }))).toEqual({
      message: "session file not found",
      details: { type: "session_file_not_found", path },
    });
  });
});
