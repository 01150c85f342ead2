import { afterEach, expect, test } from "bun:test";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../../generated/limits.ts";
import { ManualClock } from "../../platform/clock.ts";
import { silentLogger } from "../../platform/logger.ts";
import { ChildWatch } from "./children.ts";
import { type ProcessSign, signsOf } from "./process-signs.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const uid = process.getuid?.() ?? 0;
const linux = test.skipIf(!existsSync("/proc/self/stat"));

function run(argv: string[]): number {
  const child = Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "ignore" });
  ends.push(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  return child.pid;
}

const until = async (condition: () => boolean) => {
  while (!condition()) await Bun.sleep(5);
};

function watch(found: ProcessSign[] = []): { watch: ChildWatch; clock: ManualClock } {
  const clock = new ManualClock();
  const made = new ChildWatch({
    windowMs: () => 300_000,
    bonus: () => 45,
    clock,
    log: silentLogger,
    limits: LIMITS,
    signs: () => found,
  });
  return { watch: made, clock };
}

linux("an ordinary command has nothing odd, with pipes to its parent too", async () => {
  expect(signsOf(run(["sh", "-c", "read line"]), uid)).toEqual([]);
  expect(signsOf(process.pid, uid)).toEqual([]);
  expect(signsOf(2 ** 30, uid)).toEqual([]);
});

linux("one that has become another user", () => {
  expect(signsOf(run(["sleep", "60"]), uid + 1)).toEqual(["other-user"]);
});

linux("a shell that is fed over the network", async () => {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => server.close());
  const { port } = server.address() as { port: number };
  const pid = run(["bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/${port}; exec bash <&3 >&3`]);
  await until(() => signsOf(pid, uid).length > 0);
  expect(signsOf(pid, uid)).toEqual(["network-shell"]);
});

linux("a program whose file is gone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "chela-child-"));
  ends.push(() => rmSync(folder, { recursive: true }));
  const program = join(folder, "program");
  copyFileSync("/bin/sleep", program);
  chmodSync(program, 0o755);
  const pid = run([program, "60"]);
  await until(() => signsOf(pid, uid).length === 0);
  rmSync(program);
  await until(() => signsOf(pid, uid).length > 0);
  expect(signsOf(pid, uid)).toEqual(["no-file"]);
});

test("what is odd raises the risk for a while", () => {
  const { watch: one, clock } = watch(["network-shell"]);
  expect(one.risk()).toEqual([]);
  one.look({ nextTree: () => [] });
  expect(one.risk()).toEqual([]);
  one.look({ nextTree: () => [1] });
  expect(one.risk()).toMatchObject([{ id: "telemetry.network-shell", score: 45 }]);
  clock.advance(300_001);
  expect(one.risk()).toEqual([]);
});
