import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestGateway, type TestGateway } from "../gateway/testing.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
async function start(...options: Parameters<typeof startTestGateway>): Promise<TestGateway> {
  const gateway = await startTestGateway(...options);
  ends.push(() => gateway.stop());
  return gateway;
}

const DEFAULTS = { security: "full", ask: "off", askFallback: "deny", autoAllowSkills: false };

describe("the document of allowed commands", () => {
  test("is empty at first, and says where it is", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    expect(await client.call("exec.approvals.get")).toEqual({
      path: `${join(gateway.stateDir, "chela.sqlite")}#exec_approvals_config`,
      exists: false,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      file: { version: 1, socket: { path: join(gateway.stateDir, "exec-approvals.sock") }, defaults: {}, agents: {} },
      resolvedDefaults: DEFAULTS,
    });
  });

  test("is replaced by whoever knows its hash, of several at once by one", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    const { hash } = await client.call("exec.approvals.get");
    const set = (baseHash: string | undefined, file: object = { version: 1, defaults: { ask: "always" } }) =>
      client.request("exec.approvals.set", { file, baseHash });
    expect((await set(undefined)).error.message).toBe(
      "exec approvals base hash required; re-run exec.approvals.get and retry",
    );
    const answers = await Promise.all([set(hash), set(hash), set(hash)]);
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
    expect(answers.find((answer) => !answer.ok)?.error.message).toBe(
      "exec approvals changed since last load; re-run exec.approvals.get and retry",
    );
    const after = await client.call("exec.approvals.get");
    expect(after).toMatchObject({ exists: true, resolvedDefaults: { ...DEFAULTS, ask: "always" } });
    expect(after.hash).toBe(answers.find((answer) => answer.ok)?.payload.hash);
    expect((await set(hash)).ok).toBe(false);
    const pattern = "x".repeat(1_100_000);
    const large = { version: 1, agents: { "*": { allowlist: [{ pattern }] } } };
    expect((await set(after.hash, large)).error.message).toBe("exec approvals are too large");
  });

  test("keeps what it understands", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    const { hash: baseHash } = await client.call("exec.approvals.get");
    const file = {
      version: 1,
      defaults: { security: "allowlist", ask: "sometimes", autoAllowSkills: true },
      agents: {
        "*": {
          allowlist: [{ pattern: " /usr/bin/rg " }, { pattern: " " }, { id: "i", pattern: "git", commandText: "x" }],
        },
        main: { security: "full" },
        default: { security: "deny", ask: "always" },
        ["__proto__"]: { ask: "always" },
      },
    };
    const { file: kept } = await client.call("exec.approvals.set", { file, baseHash });
    expect(kept.defaults).toEqual({ security: "allowlist", autoAllowSkills: true });
    expect(kept.agents["*"].allowlist).toEqual([
      { id: expect.stringMatching(/^[0-9a-f-]{36}$/), pattern: "/usr/bin/rg" },
      { id: "i", pattern: "git" },
    ]);
    expect(kept.agents.main).toEqual({ security: "full", ask: "always" });
    expect(Object.keys(kept.agents)).toEqual(expect.arrayContaining(["*", "main"]));
    expect(({} as { ask?: string }).ask).toBeUndefined();
  });

  test("keeps its socket's token over changes and restarts, and shows it to nobody", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "chela-policy-"));
    ends.push(() => rmSync(stateDir, { recursive: true, force: true }));
    const before = await start({ stateDir });
    const client = await before.connect();
    const first = await client.call("exec.approvals.get");
    const socket = { path: "/tmp/x.sock", token: "very-secret" };
    const second = await client.call("exec.approvals.set", { file: { version: 1, socket }, baseHash: first.hash });
    expect(second.file.socket).toEqual({ path: "/tmp/x.sock" });
    const third = await client.call("exec.approvals.set", { file: second.file, baseHash: second.hash });
    expect(JSON.stringify(third)).not.toContain("very-secret");
    await before.stop();
    const after = await start({ stateDir });
    expect(await (await after.connect()).call("exec.approvals.get")).toEqual(third);
    const row = after.services.store.db.query("SELECT document FROM exec_approvals_config").get();
    expect(JSON.parse((row as { document: string }).document).socket).toEqual(socket);
  });

  test("is for administrators alone", async () => {
    const gateway = await start();
    const client = await gateway.connect({ scopes: ["operator.write", "operator.approvals", "operator.pairing"] });
    for (const [method, params] of [
      ["exec.approvals.get", {}],
      ["exec.approvals.set", { file: { version: 1 } }],
    ] as const) {
      expect((await client.request(method, params)).error.details.missingScope).toBe("operator.admin");
    }
  });
});
