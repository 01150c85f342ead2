import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storedOrNewToken } from "../gateway/stored-token.ts";
import type { Env } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { parseOptions } from "./options.ts";
import { chooseTarget, type TargetOptions } from "./target.ts";
import { cli } from "./testing.ts";

const home = mkdtempSync(join(tmpdir(), "chela-target-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function configured(config?: object): Env & { OPENCLAW_STATE_DIR: string } {
  const stateDir = mkdtempSync(join(home, "state-"));
  if (config) writeFileSync(join(stateDir, "openclaw.json"), JSON.stringify(config));
  return { HOME: home, OPENCLAW_STATE_DIR: stateDir };
}

const CALL = COMMANDS.find(({ path }) => path === "gateway call")!;
const choose = (words: string[], env: Env, options?: TargetOptions) =>
  chooseTarget(parseOptions(words, CALL.options).options, env, options);

const LOCAL = { gateway: { mode: "local", port: 1234, auth: { token: "configured" } } };

describe("which gateway", () => {
  test("without anything the one on this machine, at the usual port", async () => {
    const target = await choose([], configured());
    expect(target).toMatchObject({ url: "ws://127.0.0.1:18789", source: "local loopback", isLocal: true });
    expect(target.secret).toBeUndefined();
  });

  test("the configured one, with its secret", async () => {
    expect(await choose([], configured(LOCAL))).toMatchObject({
      url: "ws://127.0.0.1:1234",
      secret: { token: "configured" },
    });
    const password = { gateway: { auth: { mode: "password", password: "pw" } } };
    expect((await choose([], configured(password))).secret).toEqual({ password: "pw" });
  });

  test("the configured remote one", async () => {
    const remote = { gateway: { mode: "remote", remote: { url: "wss://gw.example/", token: "far" } } };
    expect(await choose([], configured(remote))).toMatchObject({
      url: "wss://gw.example",
      source: "config gateway.remote.url",
      secret: { token: "far" },
      isLocal: false,
    });
  });

  test("the one at --port of this machine, whatever the environment says", async () => {
    const env = { ...configured(LOCAL), OPENCLAW_GATEWAY_URL: "ws://127.0.0.1:9", OPENCLAW_GATEWAY_PORT: "7" };
    expect(await choose(["--port", "5"], env)).toMatchObject({
      url: "ws://127.0.0.1:5",
      secret: { token: "configured" },
    });
  });

  test("the one of the environment, with the secrets of the environment", async () => {
    const env = { ...configured(LOCAL), OPENCLAW_GATEWAY_URL: "ws://127.0.0.1:9", OPENCLAW_GATEWAY_TOKEN: "t" };
    expect(await choose([], env)).toMatchObject({
      url: "ws://127.0.0.1:9",
      source: "env OPENCLAW_GATEWAY_URL",
      secret: { token: "t" },
    });
    expect(await choose([], env, { fromEnvironment: false })).toMatchObject({ url: "ws://127.0.0.1:1234" });
  });

  test("OPENCLAW_GATEWAY_PORT over the config", async () => {
    expect((await choose([], { ...configured(LOCAL), OPENCLAW_GATEWAY_PORT: "4321" })).url).toBe("ws://127.0.0.1:4321");
  });

  test("--profile has a config of its own", async () => {
    mkdirSync(join(home, ".openclaw-work"), { recursive: true });
    writeFileSync(
      join(home, ".openclaw-work", "openclaw.json"),
      JSON.stringify({ gateway: { port: 1, auth: { token: "x" } } }),
    );
    for (const words of [
      ["--profile", "work", "health"],
      ["health", "--profile=work"],
    ]) {
      expect((await cli(words, { env: { HOME: home } })).err).toContain("ws://127.0.0.1:1 (ECONNREFUSED)");
    }
  });
});

describe("secrets", () => {
  test("of the config are not sent to a URL that somebody named", async () => {
    const env = configured(LOCAL);
    expect(choose(["--url", "ws://127.0.0.1:9"], env)).rejects.toThrow("needs its own credentials");
    expect(choose([], { ...env, OPENCLAW_GATEWAY_URL: "ws://127.0.0.1:9" })).rejects.toThrow(
      "needs its own credentials",
    );
    expect((await choose(["--url", "ws://127.0.0.1:9", "--password", "p"], env)).secret).toEqual({ password: "p" });
  });

  test("of the command line win", async () => {
    expect((await choose(["--token", "given"], configured(LOCAL))).secret).toEqual({ token: "given" });
  });

  test("that the gateway made for itself are found", async () => {
    const env = configured({ gateway: {} });
    const { token } = storedOrNewToken(env.OPENCLAW_STATE_DIR);
    expect((await choose([], env)).secret).toEqual({ token });
  });

  test("are asked for when there are none", async () => {
    const { code, out } = await cli(["health", "--json"], { env: configured() });
    expect(code).toBe(1);
    expect(JSON.parse(out).error.type).toBe("gateway_credentials_required");
  });
});

describe("what is refused", () => {
  test("--url beside --port, ports that are none, URLs that are none or unsafe", async () => {
    const env = configured(LOCAL);
    expect(choose(["--url", "ws://127.0.0.1:9", "--port", "9"], env)).rejects.toThrow("either --url or --port");
    expect(choose(["--port", "0"], env)).rejects.toThrow("--port must be");
    expect(choose(["--url", "ws://example.com", "--token", "t"], env)).rejects.toThrow("Use wss://");
    expect(choose(["--url", "nonsense", "--token", "t"], env)).rejects.toThrow("is not a URL");
  });

  test("a broken config ends with 78 and says where", async () => {
    const env = configured();
    writeFileSync(join(env.OPENCLAW_STATE_DIR, "openclaw.json"), '{\n  "gateway": {,\n}');
    const { code, err } = await cli(["health"], { env });
    expect(code).toBe(78);
    expect(err).toContain("openclaw.json:2:");
  });
});
