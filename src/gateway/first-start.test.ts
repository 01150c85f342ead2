import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadWithToken } from "./first-start.ts";
import { storedToken } from "./stored-token.ts";

const root = mkdtempSync(join(tmpdir(), "chela-first-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function home(config?: string): { HOME: string } {
  const HOME = mkdtempSync(join(root, "home-"));
  if (config === undefined) return { HOME };
  mkdirSync(join(HOME, ".openclaw"));
  writeFileSync(join(HOME, ".openclaw", "openclaw.json"), config);
  return { HOME };
}

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe("a gateway that nobody configured", () => {
  test("gets a config file with a token that upstream's command line reads too", async () => {
    const env = home();
    const { config, made } = await loadWithToken({ env });
    const file = join(env.HOME, ".openclaw", "openclaw.json");
    expect(made).toEqual({ token: expect.stringMatching(/^[\w-]{43}$/), file });
    expect(config.current.gateway.auth).toMatchObject({ mode: "token", token: made!.token });
    expect(mode(file)).toBe("600");
    expect(mode(join(env.HOME, ".openclaw"))).toBe("700");
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      gateway: { mode: "local", auth: { mode: "token", token: made!.token } },
    });
    const again = await loadWithToken({ env });
    expect(again.made).toBeNull();
    expect(again.config.current.gateway.auth.token).toBe(made!.token);
  });

  test("takes the token that it is given, and writes nothing", async () => {
    for (const more of [{ OPENCLAW_GATEWAY_TOKEN: "given" }, {}]) {
      const env = { ...home(), ...more };
      const given = "OPENCLAW_GATEWAY_TOKEN" in env ? {} : { gateway: { auth: { token: "given" } } };
      const { config, made } = await loadWithToken({ env, given });
      expect(made).toBeNull();
      expect(config.current.gateway.auth.token).toBe("given");
      expect(existsSync(join(env.HOME, ".openclaw", "openclaw.json"))).toBe(false);
    }
  });
});

describe("an operator's config file without a secret", () => {
  const text = "// mine\n{ agents: {} }\n";

  test("is left as it is; the token is kept beside it", async () => {
    const env = home(text);
    const { config, made } = await loadWithToken({ env });
    const stateDir = join(env.HOME, ".openclaw");
    expect(made).toEqual({ token: storedToken(stateDir)!, file: join(stateDir, "gateway-token") });
    expect(config.current.gateway.auth.token).toBe(made!.token);
    expect(mode(made!.file)).toBe("600");
    expect(readFileSync(join(stateDir, "openclaw.json"), "utf8")).toBe(text);
    const again = await loadWithToken({ env });
    expect(again.made).toBeNull();
    expect(again.config.current.gateway.auth.token).toBe(made!.token);
  });

  test("OPENCLAW_CONFIG_READONLY keeps a missing one missing", async () => {
    const env = { ...home(), OPENCLAW_CONFIG_READONLY: "1" };
    const { made } = await loadWithToken({ env });
    expect(made!.file).toEndWith("gateway-token");
    expect(existsSync(join(env.HOME, ".openclaw", "openclaw.json"))).toBe(false);
  });

  test("other modes get no token", async () => {
    for (const auth of [{ mode: "none" }, { password: "p" }, { mode: "trusted-proxy" }]) {
      const env = home(JSON.stringify({ gateway: { auth } }));
      const { config, made } = await loadWithToken({ env });
      expect(made).toBeNull();
      expect(config.current.gateway.auth.token).toBeUndefined();
    }
  });
});

test.skipIf(process.getuid?.() === 0)("a config directory that cannot be written does not stop the start", async () => {
  const env = home();
  const configDir = join(env.HOME, "etc");
  mkdirSync(configDir);
  chmodSync(configDir, 0o500);
  const { made } = await loadWithToken({ env: { ...env, OPENCLAW_CONFIG_PATH: join(configDir, "openclaw.json") } });
  expect(made!.file).toEndWith("gateway-token");
});
