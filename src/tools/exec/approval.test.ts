import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DefenderPort } from "../../defender/types.ts";
import { startTestGateway, type TestClient, TestDevice, type TestGateway } from "../../gateway/testing.ts";
import type { ToolContext, ToolResult } from "../types.ts";
import { textOf } from "./testing.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Bench {
  gateway: TestGateway;
  workspace: string;
  exec(command: string, args?: object, context?: Partial<ToolContext>): Promise<ToolResult>;
  /** An administrator who can show approvals. */
  reviewer(): Promise<TestClient>;
  /** Replaces the document of exec approvals. */
  policy(file: object): Promise<void>;
}

async function start(exec: object = {}, options: Parameters<typeof startTestGateway>[0] = {}): Promise<Bench> {
  const gateway = await startTestGateway({ config: { tools: { exec } } as never, ...options });
  ends.push(() => gateway.stop());
  const workspace = join(gateway.stateDir, "work");
  mkdirSync(workspace, { recursive: true });
  const tool = gateway.services.toolRegistry.find("exec")!;
  return {
    gateway,
    workspace,
    exec: (command, args = {}, context = {}) =>
      tool.run(
        { command, ...args },
        {
          agentId: "main",
          sessionKey: "agent:main:main",
          sessionId: "s1",
          runId: "r1",
          toolCallId: "c1",
          workspace,
          isOwner: true,
          origin: "owner",
          isSandboxed: false,
          signal: new AbortController().signal,
          onUpdate: () => {},
          ...context,
        },
      ),
    reviewer: () => gateway.connect({ caps: ["approvals"] }),
    async policy(file) {
      const client = await gateway.connect();
      const { hash: baseHash } = await client.call("exec.approvals.get");
      await client.call("exec.approvals.set", { file: { version: 1, ...file }, baseHash });
    },
  };
}

const asked = async (client: TestClient, known?: string) =>
  (await client.event("exec.approval.requested", ({ id }) => id !== known)).payload;
const decide = (client: TestClient, id: string, decision: string) =>
  client.call("exec.approval.resolve", { id, decision });

describe("the list of allowed commands", () => {
  test("lets what it names run, by the file that was looked at, and nothing else", async () => {
    const { exec, policy, workspace } = await start({ mode: "allowlist" });
    expect((await exec("uname")).details!.error).toBe("exec denied: allowlist miss");
    expect(textOf(await exec("printf 'b\\na\\n' | wc -l"))).toContain("allowlist miss");
    await policy({
      agents: { main: { allowlist: [{ pattern: "printf" }] }, "*": { allowlist: [{ pattern: "uname" }] } },
    });
    expect(textOf(await exec("printf 'b\\na\\n' | wc -l; uname"))).toBe("2\nLinux");
    expect((await exec("touch ran; uname")).isError).toBe(true);
    expect(existsSync(join(workspace, "ran"))).toBe(false);
  });

  test("82: variables of a call are a miss even where the program is allowed", async () => {
    const { exec, policy } = await start({ mode: "allowlist" });
    await policy({ agents: { main: { allowlist: [{ pattern: "uname" }] } } });
    expect((await exec("uname", { env: { TAR_OPTIONS: "x" } })).details!.error).toBe("exec denied: allowlist miss");
    expect(textOf(await exec("uname", { env: { LANG: "C" } }))).toBe("Linux");
  });

  test("notes when an entry was used", async () => {
    const { exec, policy, gateway } = await start({ mode: "allowlist" });
    await policy({ agents: { main: { allowlist: [{ pattern: "uname" }] } } });
    await exec("uname");
    await Bun.sleep(20);
    const client = await gateway.connect();
    const { file } = await client.call("exec.approvals.get");
    expect(file.agents.main.allowlist[0].lastUsedAt).toBeNumber();
  });

  test("the stricter of configuration and document counts", async () => {
    const { exec, policy } = await start();
    expect(textOf(await exec("uname"))).toBe("Linux");
    await policy({ defaults: { security: "allowlist" } });
    expect((await exec("uname")).details!.error).toBe("exec denied: allowlist miss");
    await policy({ defaults: { security: "full" }, agents: { main: { security: "deny" } } });
    expect((await exec("uname")).details!.error).toBe("exec denied: host=gateway security=deny");
    expect(textOf(await exec("uname", {}, { agentId: "other" }))).toBe("Linux");
  });
});

describe("people are asked", () => {
  test("about what is not on the list, with upstream's fields, and their decision counts", async () => {
    const { exec, reviewer, workspace } = await start({ mode: "ask" });
    const client = await reviewer();
    const running = exec("uname -s | wc -l");
    const { id, request } = await asked(client);
    expect(request).toMatchObject({
      command: "uname -s | wc -l",
      cwd: workspace,
      host: "gateway",
      security: "allowlist",
      ask: "on-miss",
      agentId: "main",
      sessionKey: "agent:main:main",
      runId: "r1",
      toolCallId: "c1",
      turnSourceChannel: "webchat",
      resolvedPath: "/usr/bin/uname",
      allowedDecisions: ["allow-once", "allow-always", "deny"],
    });
    await decide(client, id, "allow-once");
    expect(textOf(await running)).toBe("1");
    const again = exec("uname -s | wc -l");
    const next = await asked(client, id);
    await decide(client, next.id, "deny");
    const denied = await again;
    expect(textOf(denied)).toBe(`Exec denied (gateway id=${next.id}, user-denied): uname -s | wc -l`);
    expect(denied).toMatchObject({ isError: true, details: { status: "failed", exitCode: null } });
  });

  test("80: allow-always holds for this program, these arguments and this folder, and outlives the gateway", async () => {
    const first = await start({ mode: "ask" });
    const client = await first.reviewer();
    const running = first.exec("uname -s # and more");
    await decide(client, (await asked(client)).id, "allow-always");
    expect(textOf(await running)).toBe("Linux");
    const { file } = await client.call("exec.approvals.get");
    expect(file.agents.main.allowlist).toMatchObject([
      {
        pattern: "/usr/bin/uname",
        argPattern: expect.stringMatching(/^sha256:argv:[0-9a-f]{64}$/),
        source: "allow-always",
      },
    ]);
    client.close();
    expect(textOf(await first.exec("uname -s"))).toBe("Linux");
    for (const [command, args] of [["uname -r"], ["uname -s", { workdir: "/" }], ["uname -s; touch ran"]] as const) {
      expect(textOf(await first.exec(command, args))).toContain("no-approval-route");
    }
    expect(existsSync(join(first.workspace, "ran"))).toBe(false);
  });

  test("always, when that is wished, and a call only makes it stricter", async () => {
    const { exec, policy, reviewer } = await start();
    await policy({ defaults: { ask: "always" }, agents: { main: { allowlist: [{ pattern: "uname" }] } } });
    const client = await reviewer();
    const running = exec("uname", { ask: "off" });
    const { id, request } = await asked(client);
    expect(request).toMatchObject({ ask: "always", allowedDecisions: ["allow-once", "deny"] });
    await decide(client, id, "allow-once");
    expect(textOf(await running)).toBe("Linux");
  });

  test("78: what cannot be read goes to them", async () => {
    const { exec, reviewer } = await start({ mode: "ask" });
    const client = await reviewer();
    const running = exec('for x in 1 2; do echo "$(id -u)-$x"; done');
    const { id, request } = await asked(client);
    expect(request).toMatchObject({
      allowedDecisions: ["allow-once", "deny"],
      commandAnalysis: { riskKinds: ["command-substitution"] },
    });
    await decide(client, id, "allow-once");
    expect(textOf(await running)).toMatch(/^\d+-1\n\d+-2$/);
  });

  test("about what the defender wants looked at, whatever the policy", async () => {
    const defender = {
      verdict: "review",
      score: 50,
      findings: [{ id: "x", score: 50, reason: "It fetches a script." }],
    };
    const bench = await start(
      {},
      {
        prepare: ({ defender: port }) => {
          (port as DefenderPort).judge = async () => defender as never;
        },
      },
    );
    expect(textOf(await bench.exec("touch ran"))).toContain("no-approval-route");
    const client = await bench.reviewer();
    const running = bench.exec("uname");
    const { id, request } = await asked(client);
    expect(request).toMatchObject({ warningText: "It fetches a script.", allowedDecisions: ["allow-once", "deny"] });
    await decide(client, id, "allow-once");
    expect(textOf(await running)).toBe("Linux");
    expect(existsSync(join(bench.workspace, "ran"))).toBe(false);
  });

  test("about code for interpreters, where that is set", async () => {
    const { exec } = await start({ strictInlineEval: true });
    expect(textOf(await exec("python3 -c 'print(1)'"))).toContain("no-approval-route");
    expect(textOf(await exec("uname"))).toBe("Linux");
  });
});

describe("without an answer", () => {
  test("77: nothing runs, unless a fallback was chosen, and then no more than the policy allows", async () => {
    const { exec, policy } = await start({ mode: "ask" });
    expect(textOf(await exec("uname"))).toContain("no-approval-route");
    await policy({ defaults: { askFallback: "full" } });
    expect(textOf(await exec("uname"))).toContain("no-approval-route");
    await policy({
      defaults: { askFallback: "full", ask: "always" },
      agents: { main: { allowlist: [{ pattern: "uname" }] } },
    });
    expect(textOf(await exec("uname"))).toBe("Linux");
    expect(textOf(await exec("date"))).toContain("no-approval-route");
  });

  test("an abort takes the question back", async () => {
    const { exec, reviewer } = await start({ mode: "ask" });
    const client = await reviewer();
    const abort = new AbortController();
    const running = exec("touch ran", {}, { signal: abort.signal });
    const { id } = await asked(client);
    abort.abort(new Error("stopped"));
    await expect(running).rejects.toThrow("stopped");
    expect((await client.event("exec.approval.resolved")).payload).toMatchObject({ id, decision: "deny" });
    expect((await client.request("exec.approval.resolve", { id, decision: "allow-once" })).ok).toBe(false);
  });

  test("a question of a run that ended with the gateway is given up at the next start", async () => {
    const first = await start({ mode: "ask" });
    const client = await first.reviewer();
    void first.exec("uname").catch(() => {});
    const { id } = await asked(client);
    const { approvals } = first.gateway.services;
    await approvals.abandonRuns();
    expect((await client.request("exec.approval.resolve", { id, decision: "allow-once" })).ok).toBe(false);
  });
});

describe("75: what was approved is what runs", () => {
  test("a script that was changed meanwhile does not", async () => {
    const { exec, reviewer, workspace } = await start({ mode: "ask" });
    writeFileSync(join(workspace, "s.sh"), "echo first\n");
    const client = await reviewer();
    const running = exec("sh ./s.sh");
    const { id, request } = await asked(client);
    expect(request.allowedDecisions).toEqual(["allow-once", "deny"]);
    writeFileSync(join(workspace, "s.sh"), "touch ran\n");
    await decide(client, id, "allow-once");
    expect(textOf(await running)).toBe(`Exec denied (gateway id=${id}, program-changed): sh ./s.sh`);
    expect(existsSync(join(workspace, "ran"))).toBe(false);
  });

  test("nor another program that came first in the search path meanwhile", async () => {
    const { exec, reviewer, workspace } = await start({
      mode: "ask",
      pathPrepend: [join("/tmp", `chela-path-${process.pid}`)],
    });
    const folder = join("/tmp", `chela-path-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    ends.push(() => Bun.spawnSync(["rm", "-rf", folder]));
    const client = await reviewer();
    const running = exec("uname");
    const { id } = await asked(client);
    writeFileSync(join(folder, "uname"), `#!/bin/sh\ntouch ${workspace}/ran\n`);
    chmodSync(join(folder, "uname"), 0o755);
    await decide(client, id, "allow-once");
    expect(textOf(await running)).toContain("program-changed");
    expect(existsSync(join(workspace, "ran"))).toBe(false);
  });

  test("and a policy that was closed meanwhile counts", async () => {
    const { exec, policy, reviewer, workspace } = await start({ mode: "ask" });
    const client = await reviewer();
    const running = exec("touch ran");
    const { id } = await asked(client);
    await policy({ defaults: { security: "deny" } });
    await decide(client, id, "allow-once");
    expect(textOf(await running)).toContain("policy-changed");
    expect(existsSync(join(workspace, "ran"))).toBe(false);
  });
});

test("a reader without the right to decide cannot", async () => {
  const { exec, reviewer, gateway } = await start({ mode: "ask" });
  const client = await reviewer();
  const running = exec("uname");
  const { id } = await asked(client);
  const writer = await gateway.connect({ scopes: ["operator.read", "operator.write"], identity: new TestDevice() });
  expect((await writer.request("exec.approval.resolve", { id, decision: "allow-once" })).error.code).toBe("FORBIDDEN");
  await decide(client, id, "deny");
  expect(textOf(await running)).toContain("user-denied");
});

describe("a session's permission mode", () => {
  async function inMode(permissionMode: string, exec: object = {}) {
    const bench = await start(exec);
    const client = await bench.gateway.connect();
    await client.call("sessions.create", { key: "main" });
    const set = (mode: string | null) => client.call("sessions.patch", { key: "main", permissionMode: mode });
    await set(permissionMode);
    return { ...bench, set };
  }

  test("that only lets it read runs nothing, whatever the configuration, until it is taken back", async () => {
    const { exec, set, workspace } = await inMode("read-only");
    expect((await exec("touch ran")).details!.error).toBe("exec denied: host=gateway security=deny");
    expect(existsSync(join(workspace, "ran"))).toBe(false);
    await set(null);
    expect(textOf(await exec("uname"))).toBe("Linux");
  });

  test("that guards it asks people", async () => {
    const { exec } = await inMode("guarded");
    expect(textOf(await exec("uname"))).toContain("no-approval-route");
    expect(textOf(await exec("wc -l"))).toBe("0");
  });

  test("of an administrator's full trust goes before configuration and document", async () => {
    const { exec, policy } = await inMode("full", { mode: "allowlist" });
    await policy({ defaults: { ask: "always", security: "deny" } });
    expect(textOf(await exec("uname"))).toBe("Linux");
  });
});
