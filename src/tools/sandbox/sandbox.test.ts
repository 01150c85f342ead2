import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ExecBench, textOf, until } from "../exec/testing.ts";
import { available } from "./bubblewrap.ts";

const canConfine = "program" in (await available(process.env.PATH ?? ""));
const SANDBOXED = { isSandboxed: true };

class SandboxBench extends ExecBench {
  configure(sandbox: object): this {
    this.config = { agents: { defaults: { sandbox: { mode: "all", ...sandbox } } } };
    return this;
  }

  confined = async (command: string, args: object = {}): Promise<string> =>
    textOf(await this.exec(command, { ...args }, SANDBOXED));
}

describe("86: without a sandbox a session that needs one", () => {
  test("runs nothing, and is told why", async () => {
    await using bench = new SandboxBench().configure({ workspaceAccess: "rw" });
    bench.hasSandbox = false;
    const result = await bench.exec("touch ran", {}, SANDBOXED);
    expect(result).toMatchObject({
      isError: true,
      details: { error: "this session needs a sandbox, and there is none: none is installed" },
    });
    expect(existsSync(join(bench.workspace, "ran"))).toBe(false);
  });

  test("nor by naming another host, leaving it, or an engine that is not there", async () => {
    await using bench = new SandboxBench().configure({ workspaceAccess: "rw" });
    for (const args of [{ host: "gateway" }, { host: "node" }, { elevated: true }]) {
      expect((await bench.exec("touch ran", args, SANDBOXED)).details!.status).toBe("error");
    }
    bench.config = { ...bench.config, tools: { exec: { host: "gateway" } } };
    bench.hasSandbox = false;
    expect(await bench.confined("touch ran")).toContain("there is none");
    bench.configure({ backend: "ssh" });
    expect(await bench.confined("touch ran")).toContain('backend \\"ssh\\" is not available');
    expect(existsSync(join(bench.workspace, "ran"))).toBe(false);
  });
});

describe.skipIf(!canConfine)("in a sandbox a command", () => {
  test("has a private workspace that stays, and sees nothing of the agent's or the machine's", async () => {
    await using bench = new SandboxBench().configure({});
    writeFileSync(join(bench.workspace, "own.txt"), "mine");
    writeFileSync(join(bench.stateDir, "secret.txt"), "secret");
    bench.env = { ...process.env, MY_API_KEY: "k" };
    expect(await bench.confined("pwd; echo kept > note; echo $HOME")).toBe("/workspace\n/workspace");
    expect(await bench.confined("cat note; ls /workspace")).toBe("kept\nnote");
    for (const path of [bench.workspace, bench.stateDir, "/root", "/home", "/etc/shadow", "/var/log"]) {
      expect(await bench.confined(`ls ${path} 2>&1`)).toContain("No such file or directory");
    }
    expect(await bench.confined("env")).not.toContain("MY_API_KEY");
    expect(await bench.confined("touch /usr/x /etc/x /x 2>&1; echo $?")).toMatch(/Read-only file system[\s\S]*1$/);
    expect(await bench.confined("touch /tmp/x && ls /tmp")).toBe("x");
    expect(existsSync(join(bench.workspace, "note"))).toBe(false);
  });

  test("has no other processes, no rights and no network", async () => {
    await using bench = new SandboxBench().configure({});
    using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("reached") });
    const pids = await bench.confined("ls /proc | grep -c '^[0-9]*$'");
    expect(Number(pids)).toBeLessThan(10);
    expect(await bench.confined("grep CapEff /proc/self/status")).toMatch(/CapEff:\s+0+$/);
    expect(await bench.confined("tail -n +3 /proc/net/dev | cut -d: -f1")).toMatch(/^\s*lo$/);
    const reach = `(exec 3<>/dev/tcp/127.0.0.1/${server.port}) 2>/dev/null && echo reached || echo nothing`;
    expect(await bench.confined(`bash -c '${reach}'`)).toBe("nothing");
    bench.configure({ docker: { network: "bridge" } });
    expect(await bench.confined(`bash -c '${reach}'`)).toBe("reached");
  });

  test("reads or writes the agent's workspace as configured", async () => {
    await using bench = new SandboxBench().configure({ workspaceAccess: "ro" });
    writeFileSync(join(bench.workspace, "own.txt"), "mine");
    expect(await bench.confined("cat /agent/own.txt; touch /agent/x 2>&1; touch y; ls")).toMatch(
      /^mine\n?touch: .*Read-only file system\ny$/,
    );
    expect(existsSync(join(bench.workspace, "y"))).toBe(false);
    bench.configure({ workspaceAccess: "rw" });
    mkdirSync(join(bench.workspace, "sub"));
    expect(await bench.confined("cat ../own.txt > copy; pwd", { workdir: "sub" })).toBe("/workspace/sub");
    expect(readFileSync(join(bench.workspace, "sub", "copy"), "utf8")).toBe("mine");
    expect(await bench.confined("pwd", { workdir: "nope" })).toStartWith('workdir "nope" is unavailable');
  });

  test("shares its workspace with whom the scope says", async () => {
    await using bench = new SandboxBench().configure({ scope: "session" });
    const run = async (command: string, sessionKey: string, agentId = "main") =>
      textOf(await bench.exec(command, {}, { ...SANDBOXED, sessionKey, agentId }));
    await run("touch one", "agent:main:a");
    expect(await run("ls", "agent:main:a")).toBe("one");
    expect(await run("ls", "agent:main:b")).toBe("(no output)");
    bench.configure({ scope: "agent" });
    await run("touch two", "agent:main:a");
    expect(await run("ls", "agent:main:b")).toBe("two");
    expect(await run("ls", "agent:other:b", "other")).toBe("(no output)");
    bench.configure({ scope: "shared" });
    await run("touch three", "agent:main:a");
    expect(await run("ls", "agent:other:b", "other")).toBe("three");
  });

  test("ends with all that came of it", async () => {
    await using bench = new SandboxBench().configure({ workspaceAccess: "rw" });
    const abort = new AbortController();
    const script = "setsid sh -c 'while :; do date +%N > beat; sleep 0.02; done' & sleep 60";
    const running = bench.exec(script, {}, { ...SANDBOXED, signal: abort.signal });
    const beat = () =>
      existsSync(join(bench.workspace, "beat")) ? readFileSync(join(bench.workspace, "beat"), "utf8") : "";
    await until(() => beat() !== "");
    abort.abort(new Error("stopped"));
    await expect(running).rejects.toThrow("stopped");
    const last = beat();
    await Bun.sleep(200);
    expect(beat()).toBe(last);
  });

  test("goes on in the background, has a terminal, times out and says how it ended", async () => {
    await using bench = new SandboxBench().configure({});
    const { details } = await bench.exec("tty; cat", { background: true, pty: true }, SANDBOXED);
    const session = bench.processes.find("main", details!.sessionId as string)!;
    await until(() => session.output.all.includes("/dev/"));
    await bench.process("write", session.id, { data: "hello\n", eof: true });
    expect(await session.ended).toMatchObject({ code: 0 });
    expect(session.output.all).toContain("hello\r\nhello");
    expect(await bench.exec("exit 3", {}, SANDBOXED)).toMatchObject({ details: { exitCode: 3, cwd: "/workspace" } });
    expect(await bench.exec("sleep 60", { timeoutSeconds: 0.3 }, SANDBOXED)).toMatchObject({
      details: { timedOut: true },
    });
  });

  test("is shown to the defender as one of a sandbox", async () => {
    await using bench = new SandboxBench().configure({});
    await bench.confined("true");
    expect(bench.judged).toMatchObject([{ kind: "command", command: "true", cwd: "/workspace", host: "sandbox" }]);
    bench.verdict = { verdict: "block", score: 100, findings: [{ id: "x", score: 100, reason: "No." }] };
    expect(await bench.confined("touch ran")).toContain("exec denied by the defender. No.");
  });

  test("86: sees a bind of the configuration, and none of the system or of credentials", async () => {
    await using bench = new SandboxBench();
    const reference = join(bench.workspace, "reference");
    mkdirSync(reference);
    writeFileSync(join(reference, "book"), "words");
    const bind = async (entry: string, docker: object = {}) => {
      bench.configure({ docker: { binds: [entry], ...docker } });
      return bench.confined("cat /reference/book; touch /reference/x 2>&1 || true");
    };
    expect(await bind(`${reference}:/reference:ro`)).toMatch(/^words\n?touch: .*Read-only/);
    const open = { dangerouslyAllowExternalBindSources: true };
    for (const entry of [
      "/var/run/docker.sock:/reference",
      "/run:/reference",
      "/:/reference",
      "/etc:/reference:ro",
      "/proc:/reference",
      "/root:/reference",
      `${process.env.HOME}/.ssh:/reference:ro`,
      `${realpathSync(bench.stateDir)}:/reference`,
      `${join(bench.stateDir, "..")}:/reference`,
      `${reference}/../../../../etc:/reference`,
      `${reference}:/workspace`,
      `${reference}:/usr/local/bin`,
      `${reference}:/`,
      `${reference}:reference`,
      "reference:/reference",
      `${reference}:/reference:rx`,
    ]) {
      expect(await bind(entry, open)).toContain("is refused");
    }
    expect(await bind("/var/tmp:/reference")).toContain("dangerouslyAllowExternalBindSources");
    Bun.spawnSync(["ln", "-s", "/etc", join(reference, "link")]);
    expect(await bind(`${reference}/link:/reference`)).toContain("is refused");
    expect(await bind(`${reference}/link/new:/reference`)).toContain("is refused");
  });
});
