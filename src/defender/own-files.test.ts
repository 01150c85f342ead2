import { expect, test } from "bun:test";
import { ownFilesGuard } from "./own-files.ts";
import type { Action } from "./types.ts";

const guard = ownFilesGuard({ stateDir: "/home/me/.openclaw", path: "/home/me/.openclaw/openclaw.json" });
const score = async (action: Action) => (await guard.inspect(action, { origin: "model" }, () => {}))[0]?.score ?? 0;
const write = (path: string): Action => ({ kind: "file-write", path, root: "/", bytes: 1 });
const run = (command: string): Action => ({
  kind: "command",
  command,
  cwd: "/home/me/.openclaw/workspace",
  host: "gateway",
});

test.each([
  "rm ~/.openclaw/defender/policy.yaml",
  "echo 'version: 1' > $HOME/.openclaw/defender/policy.yaml",
  "sqlite3 ../chela.sqlite 'delete from decision_log'",
  "sed -i s/true/false/ /home/me/.openclaw/openclaw.json",
])("%s needs a person", async (command) => {
  expect(await score(run(command))).toBeGreaterThanOrEqual(50);
});

test("the workspace, everybody else's files and the file tools are no matter of it", async () => {
  for (const action of [
    write("/home/me/.openclaw/openclaw.json"),
    run("cat defender/policy.yaml"),
    run("cat /home/me/.openclaw/workspace/notes.md"),
    run("npm test"),
  ])
    expect(await score(action)).toBe(0);
});
