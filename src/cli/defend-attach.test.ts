import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ScriptedGateway } from "../client/testing.ts";
import { startTestGateway, TEST_TOKEN } from "../gateway/testing.ts";
import { type CliResult, cli } from "./testing.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function home(): { env: Record<string, string>; path: string } {
  const path = mkdtempSync(join(tmpdir(), "chela-defend-attach-"));
  ends.push(() => rmSync(path, { recursive: true, force: true }));
  return { path, env: { HOME: path, OPENCLAW_STATE_DIR: join(path, "state") } };
}

/** Runs it beside a gateway, until one command has been answered. */
async function session(more: (path: string) => string[]): Promise<{ result: CliResult; env: Record<string, string> }> {
  const gateway = await startTestGateway();
  ends.push(() => gateway.stop());
  const { env, path } = home();
  const running = cli(["defend", ...more(path), `--attach=${gateway.url}`], { env });
  const agent = await gateway.connect();
  const command = "rm -rf / --no-preserve-root";
  const asked = { id: "bad", command, requireDeliveryRoute: false, timeoutMs: 600_000 };
  expect((await agent.call("exec.approval.request", asked)).decision).toBe("deny");
  process.emit("SIGTERM", "SIGTERM");
  return { result: await running, env };
}

describe("defend attach", () => {
  test("answers, says what it did, and ends with 0 at SIGTERM", async () => {
    const { result } = await session(() => ["--token", TEST_TOKEN]);
    expect(result.code).toBe(0);
    expect(result.out).toMatch(/^Attached to ws:\S+ \(version \S+, wire version 4\)\.\n/);
    expect(result.out).toContain("denied: rm -rf / --no-preserve-root (block, ");
    expect(result.out).toEndWith("Stopped. Approvals: 1 denied. Texts looked at: 0.");
  });

  test("tells programs on lines of JSON; `defend explain` knows what it decided", async () => {
    const { result, env } = await session((path) => {
      writeFileSync(join(path, "token"), `${TEST_TOKEN}\n`);
      return ["--json", "--token-file", join(path, "token")];
    });
    const notices = result.out.split("\n").map((line) => JSON.parse(line));
    expect(notices.map(({ event }) => event)).toEqual(["attached", "approval", "stopped"]);
    const { decisionId, outcome } = notices[1];
    expect(outcome).toBe("denied");
    const explained = await cli(["defend", "explain", decisionId], { env });
    expect(explained.out).toStartWith("block (");
  });

  test("tells how to pair the device", async () => {
    const gateway = new ScriptedGateway((_request, reply) => {
      const details = { code: "PAIRING_REQUIRED", requestId: "request-7" };
      reply.error({ code: "NOT_PAIRED", message: "pairing required", details });
    });
    ends.push(() => gateway.stop());
    const running = cli(["defend", "attach", gateway.url, "--token", "x"], home());
    while (gateway.requests.length < 2) await Bun.sleep(5);
    process.emit("SIGINT", "SIGINT");
    const { code, err } = await running;
    expect(code).toBe(0);
    expect(err.match(/openclaw devices approve request-7/g)).toHaveLength(1);
  });

  test("ends with 1 where it is refused, and does not show the secret", async () => {
    const gateway = await startTestGateway();
    ends.push(() => gateway.stop());
    const { code, err, out } = await cli(["defend", "--attach", gateway.url, "--token", "not-the-token"], home());
    expect(code).toBe(1);
    expect(err).toContain("The gateway refuses the sidecar: unauthorized");
    expect(err + out).not.toContain("not-the-token");
  });

  test("a failure is one line of JSON too", async () => {
    const { code, out } = await cli(["defend", "--json", "--attach", "ws://8.8.8.8", "--token", "x"], home());
    expect({ code, lines: out.split("\n").length, ok: JSON.parse(out).ok }).toEqual({ code: 1, lines: 1, ok: false });
  });

  test("does not start with the defender switched off, which would allow everything", async () => {
    const { env, path } = home();
    writeFileSync(join(path, "openclaw.json"), JSON.stringify({ security: { defender: { enabled: false } } }));
    const off = { ...env, OPENCLAW_CONFIG_PATH: join(path, "openclaw.json") };
    const { code, err } = await cli(["defend", "--attach", "ws://127.0.0.1:9"], { env: off });
    expect({ code, said: err.includes("switched off") }).toEqual({ code: 78, said: true });
  });

  test("sends no secret in the clear to other networks, and needs an address", async () => {
    expect(await cli(["defend", "--attach", "ws://8.8.8.8", "--token", "x"], home())).toMatchObject({
      code: 1,
      err: expect.stringContaining("Use wss://"),
    });
    expect(await cli(["defend", "--attach"], home())).toMatchObject({ code: 1 });
  });
});
