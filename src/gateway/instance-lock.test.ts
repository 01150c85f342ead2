import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AlreadyRunning, InstanceLock, runningInstance, takeOver } from "./instance-lock.ts";

const root = mkdtempSync(join(tmpdir(), "chela-lock-"));
const children: Bun.Subprocess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true });
});
const fresh = (): string => join(mkdtempSync(join(root, "t-")), "state");

/** Another process that takes the lock, says so and then waits. */
async function holder(stateDir: string, onSignal = ""): Promise<Bun.Subprocess<"ignore", "pipe", "inherit">> {
  const script = `
    const { InstanceLock } = await import(${JSON.stringify(join(import.meta.dir, "instance-lock.ts"))});
    const lock = InstanceLock.take(${JSON.stringify(stateDir)}, 1);
    lock.note({ startedAt: 1, url: "ws://127.0.0.1:5" });
    ${onSignal}
    Bun.gc(true);
    console.log("taken");
    setInterval(() => {}, 1000);`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  children.push(child);
  const reader = child.stdout.getReader();
  await reader.read();
  return child;
}

describe("the lock of a state directory", () => {
  test("is had once at a time, also within a process, and makes the directory for its owner alone", () => {
    const stateDir = fresh();
    const lock = InstanceLock.take(stateDir, 1);
    expect((statSync(stateDir).mode & 0o777).toString(8)).toBe("700");
    expect(readdirSync(stateDir).sort()).toEqual(["gateway.lock", "gateway.pid.json"]);
    expect(() => InstanceLock.take(stateDir, 2)).toThrow(AlreadyRunning);
    lock.release();
    InstanceLock.take(stateDir, 3).release();
  });

  test("tells who has it", async () => {
    const stateDir = fresh();
    const child = await holder(stateDir);
    expect(() => InstanceLock.take(stateDir, 2)).toThrow(`(pid ${child.pid}, ws://127.0.0.1:5)`);
    expect(runningInstance(stateDir)).toEqual({ pid: child.pid, startedAt: 1, url: "ws://127.0.0.1:5" });
    child.kill("SIGKILL");
    await child.exited;
  });

  test("goes with the process that had it, however that ended", async () => {
    const stateDir = fresh();
    const child = await holder(stateDir);
    child.kill("SIGKILL");
    await child.exited;
    const lock = InstanceLock.take(stateDir, 2);
    expect(runningInstance(stateDir)?.pid).toBe(process.pid);
    lock.release();
    expect(runningInstance(stateDir)).toBeNull();
  });

  test("a damaged note of the holder does no harm", () => {
    const stateDir = fresh();
    const lock = InstanceLock.take(stateDir, 1);
    for (const text of ["", "{", "null", '{"pid":"1"}', '{"pid":-1}', "[]"]) {
      writeFileSync(join(stateDir, "gateway.pid.json"), text);
      expect(runningInstance(stateDir)).toBeNull();
      expect(() => InstanceLock.take(stateDir, 2)).toThrow(AlreadyRunning);
    }
    lock.release();
  });
});

describe("taking over", () => {
  test("asks the other to stop and waits for it", async () => {
    const stateDir = fresh();
    const child = await holder(
      stateDir,
      `process.on("SIGTERM", () => setTimeout(() => { lock.release(); process.exit(7); }, 30));`,
    );
    const lock = await takeOver(stateDir, 2, 5000);
    expect(await child.exited).toBe(7);
    lock.release();
  });

  test("gives up on one that stays", async () => {
    const stateDir = fresh();
    const child = await holder(stateDir, `process.on("SIGTERM", () => {});`);
    expect(takeOver(stateDir, 2, 100)).rejects.toThrow(AlreadyRunning);
    await takeOver(stateDir, 2, 100).catch(() => {});
    child.kill("SIGKILL");
    await child.exited;
  });
});
