import { afterEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { ProcessTree } from "./process-tree.ts";

const started: Bun.Subprocess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** Starts a script as the leader of its own session and reads the pids that it prints, one a line. */
async function start(script: string, mark: string, pids: number) {
  const [name, value] = mark.split("=") as [string, string];
  const env = { PATH: process.env.PATH!, [name]: value };
  const child = Bun.spawn(["/bin/sh", "-c", script], { env, detached: true, stdout: "pipe", stdin: "ignore" });
  started.push(child);
  const tree = new ProcessTree(child.pid, mark);
  const seen: number[] = [];
  let text = "";
  for await (const chunk of child.stdout) {
    text += new TextDecoder().decode(chunk);
    seen.splice(0, seen.length, ...text.trim().split("\n").map(Number));
    if (seen.length >= pids) break;
  }
  return { child, tree, pids: seen };
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`) && !isZombie(pid);
const isZombie = (pid: number): boolean =>
  Bun.spawnSync(["ps", "-o", "stat=", "-p", String(pid)])
    .stdout.toString()
    .startsWith("Z");

test("ends descendants, also those in sessions of their own and those whose parents are gone", async () => {
  const script = `
    sleep 60 & echo $!
    setsid sh -c 'echo $$; exec sleep 60' &
    (setsid sh -c 'echo $$; exec sleep 60' &)
    wait`;
  const { tree, pids } = await start(script, "TREE_MARK=a1", 3);
  expect(pids.map(isAlive)).toEqual([true, true, true]);
  expect(await tree.end(1000)).toBe(true);
  expect(pids.map(isAlive)).toEqual([false, false, false]);
});

test("kills what does not listen to a request to end", async () => {
  const { tree, child } = await start("trap '' TERM; echo $$; while :; do sleep 1; done", "TREE_MARK=a2", 1);
  expect(await tree.end(100)).toBe(true);
  expect(await child.exited).toBeGreaterThan(128);
});

test("87: what is not of the tree stays, also after the leader has gone", async () => {
  const other = Bun.spawn(["sleep", "60"], { detached: true });
  started.push(other);
  const { tree, child, pids } = await start("sleep 60 & echo $!", "TREE_MARK=a3", 1);
  await child.exited;
  expect(tree.hasGroup).toBe(true);
  await tree.endGroup();
  expect(pids.map(isAlive)).toEqual([false]);
  expect(isAlive(other.pid)).toBe(true);
});

test("87: a pid that is another process by now is never signalled", async () => {
  // The start time in the tree is that of a process which has ended; its number now names somebody else.
  const other = Bun.spawn(["sleep", "60"], { detached: true });
  started.push(other);
  const tree = new ProcessTree(other.pid, "TREE_MARK=a4");
  const leader = (tree as unknown as { leader: { started: number } }).leader;
  leader.started += 1;
  expect(await tree.end(50)).toBe(true);
  expect(isAlive(other.pid)).toBe(true);
});
