import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configFor, connectTo } from "../../scripts/exercise/chat.ts";
import { GatewayProcess } from "../../scripts/exercise/gateway-process.ts";
import { freePort } from "../parity/gateway-process.ts";
import { startModelServer } from "../parity/model-server.ts";

const MAIN = [process.execPath, join(import.meta.dir, "..", "main.ts"), "gateway"];
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Home {
  dir: string;
  env: Record<string, string>;
}

function home(config?: object | string): Home {
  const dir = mkdtempSync(join(tmpdir(), "chela-run-"));
  ends.push(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, ".openclaw"), { mode: 0o700 });
  const text = typeof config === "string" ? config : JSON.stringify(config);
  if (config !== undefined) writeFileSync(join(dir, ".openclaw", "openclaw.json"), text);
  return { dir, env: { HOME: dir, PATH: process.env.PATH ?? "", TMPDIR: dir } };
}

async function start({ env, dir }: Home, ...words: string[]): Promise<GatewayProcess> {
  const gateway = await GatewayProcess.start([...MAIN, "run", "--port", String(freePort()), ...words], {
    env,
    cwd: dir,
  });
  ends.push(() => gateway.stop("SIGKILL"));
  return gateway;
}

/** Starts what is not expected to run, and gives how it ended. */
async function fail({ env, dir }: Home, ...words: string[]): Promise<{ code: number; err: string }> {
  const child = Bun.spawn([...MAIN, ...words], { env, cwd: dir, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  ends.push(() => child.kill("SIGKILL"));
  const err = await new Response(child.stderr).text();
  return { code: await child.exited, err };
}

const TOKEN = "a-token-of-more-than-24-characters";
const CONFIG = { gateway: { mode: "local", auth: { token: TOKEN } } };

describe("the first start", () => {
  test("shows a token once, which opens the gateway then and later", async () => {
    const here = home();
    const first = await start(here);
    await first.prints("Next: chela agent --message");
    const token = first.printedToken!;
    expect(first.output).toContain(join(here.dir, ".openclaw", "openclaw.json"));
    expect(await first.stop()).toBe(0);
    const second = await start(here);
    await (await connectTo(second.url, token)).stop();
    expect(await second.stop()).toBe(0);
    expect(second.output).not.toContain(token);
  });
});

describe("signals", () => {
  test("SIGTERM, SIGINT and SIGHUP stop it, and clients are told", async () => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      const gateway = await start(home(CONFIG));
      const client = await connectTo(gateway.url, TOKEN);
      const { closed } = await client.connected();
      expect(await gateway.stop(signal)).toBe(0);
      expect(await closed).toMatchObject({ code: 1012, reason: "service restart" });
      await client.stop();
    }
  });

  test("SIGUSR2 starts it again in the same process", async () => {
    const here = home(CONFIG);
    const gateway = await start(here);
    const client = await connectTo(gateway.url, TOKEN);
    const { closed } = await client.connected();
    const before = client.hello!.server.bootId;
    gateway.kill("SIGUSR2");
    await closed;
    await client.connected();
    expect(client.hello!.server.bootId).not.toBe(before);
    await client.stop();
    expect(await gateway.stop()).toBe(0);
  });

  test("SIGUSR2 is not obeyed where commands.restart is off", async () => {
    const gateway = await start(home({ ...CONFIG, commands: { restart: false } }));
    const client = await connectTo(gateway.url, TOKEN);
    gateway.kill("SIGUSR2");
    expect(await client.request("health", {})).toMatchObject({ ok: true });
    await client.stop();
    expect(await gateway.stop()).toBe(0);
  });
});

describe("a config file that changes", () => {
  test("in what needs a restart starts the gateway again, with what it says now", async () => {
    const here = home(CONFIG);
    const gateway = await start(here);
    const client = await connectTo(gateway.url, TOKEN);
    const { closed } = await client.connected();
    const before = client.hello!.server.bootId;
    const file = join(here.dir, ".openclaw", "openclaw.json");
    const tls = { enabled: true, certPath: join(here.dir, "none.pem"), keyPath: join(here.dir, "none.pem") };
    writeFileSync(file, JSON.stringify({ gateway: { ...CONFIG.gateway, tls } }));
    await gateway.prints("could not start with the changed config file");
    writeFileSync(file, JSON.stringify({ gateway: { ...CONFIG.gateway, tls: { enabled: false, certPath: "x" } } }));
    expect(await closed).toMatchObject({ code: 1012 });
    await client.connected();
    expect(client.hello!.server.bootId).not.toBe(before);
    const shown = await client.request("config.get", {});
    expect(shown).toMatchObject({ config: { gateway: { tls: { enabled: false } } } });
    await client.stop();
    expect(await gateway.stop()).toBe(0);
  }, 20_000);

  test("is put back when it was torn between two starts", async () => {
    const here = home(CONFIG);
    const file = join(here.dir, ".openclaw", "openclaw.json");
    const good = readFileSync(file, "utf8");
    expect(await (await start(here)).stop()).toBe(0);
    writeFileSync(file, "");
    const gateway = await start(here);
    await gateway.prints("Config auto-restored from backup");
    expect(readFileSync(file, "utf8")).toBe(good);
    await (await connectTo(gateway.url, TOKEN)).stop();
    expect(await gateway.stop()).toBe(0);
  }, 20_000);
});

describe("ending", () => {
  test("a run at work is cut off, and its client is told", async () => {
    const model = startModelServer();
    ends.push(() => model.close());
    const gateway = await start(home(configFor(model.baseUrl, { auth: { token: TOKEN } })));
    const client = await connectTo(gateway.url, TOKEN);
    const states: string[] = [];
    const speaks = Promise.withResolvers<void>();
    client.onEvent((event, payload) => {
      if (event !== "chat") return;
      const { state } = payload as { state: string };
      states.push(state);
      if (state === "delta") speaks.resolve();
    });
    const params = {
      sessionKey: "main",
      message: "SLOW:200 one two three four five six seven eight",
      idempotencyKey: "k1",
    };
    await client.request("chat.send", params);
    await speaks.promise;
    const { closed } = await client.connected();
    expect(await gateway.stop()).toBe(0);
    expect(await closed).toMatchObject({ code: 1012 });
    expect(states.at(-1)).toBe("aborted");
    await client.stop();
  });
});

describe("what stops a start", () => {
  test("a broken config ends with 78, file, line and reason", async () => {
    const { code, err } = await fail(home("{\n  gateway: {,\n}"), "run");
    expect(code).toBe(78);
    expect(err).toContain("openclaw.json:2:");
  });

  test("no authentication beyond this machine ends with 78", async () => {
    const { code, err } = await fail(home(CONFIG), "run", "--bind", "lan", "--auth", "none");
    expect(code).toBe(78);
    expect(err).toContain("set a token or password, or bind to loopback");
  });

  test("a secret that is none ends with 78 (18)", async () => {
    for (const words of [
      ["--token", ""],
      ["--token", "undefined"],
      ["--auth", "password"],
      ["--auth", "password", "--password", ""],
    ]) {
      expect(await fail(home(CONFIG), "run", ...words)).toMatchObject({
        code: 78,
        err: expect.stringContaining("gateway.auth."),
      });
    }
  });

  test("gateway.mode remote ends with 78, unless it is told to start all the same", async () => {
    const remote = home({ gateway: { ...CONFIG.gateway, mode: "remote" } });
    expect(await fail(remote, "run")).toMatchObject({ code: 78, err: expect.stringContaining("--allow-unconfigured") });
    expect(await (await start(remote, "--allow-unconfigured")).stop()).toBe(0);
  });

  test("a port that is taken ends with 1 and says what to do", async () => {
    const port = new URL((await start(home(CONFIG))).url).port;
    const { code, err } = await fail(home(CONFIG), "run", "--port", port);
    expect(code).toBe(1);
    expect(err).toContain(`Port ${port} on 127.0.0.1 is already in use.`);
  });

  test("options that are none end with 1", async () => {
    for (const words of [
      ["--port", "0"],
      ["--port", "99999"],
      ["--bind", "everywhere"],
      ["--auth", "magic"],
      ["--password-file", "/nonexistent"],
    ]) {
      expect((await fail(home(CONFIG), "run", ...words)).code).toBe(1);
    }
  });
});

test("one gateway per state directory; --force ends the one that is there", async () => {
  const here = home(CONFIG);
  const first = await start(here);
  const { code, err } = await fail(here, "run", "--port", String(freePort()));
  expect(code).toBe(1);
  expect(err).toContain(`pid ${first.pid}, ${first.url}`);
  const second = await start(here, "--force");
  expect(await first.exited).toBe(0);
  expect(await second.stop()).toBe(0);
});

test("a password from a file opens the gateway, and stays out of the output", async () => {
  const here = home();
  writeFileSync(join(here.dir, "secret"), "the password of this test\n");
  const gateway = await start(here, "--auth", "password", "--password-file", join(here.dir, "secret"));
  const client = await connectTo(gateway.url, "the password of this test");
  expect(await client.request("health", {})).toMatchObject({ ok: true });
  await client.stop();
  expect(await gateway.stop()).toBe(0);
  expect(gateway.output).not.toContain("the password of this test");
});

test("bare `gateway` runs it too; the port comes from the command line, the environment, the config", async () => {
  const [configured, environment, given] = [freePort(), freePort(), freePort()].map(String) as [string, string, string];
  const here = home({ gateway: { ...CONFIG.gateway, port: Number(configured) } });
  const portOf = async (words: string[], env: Record<string, string> = {}): Promise<string> => {
    const gateway = await GatewayProcess.start([...MAIN, ...words], { env: { ...here.env, ...env }, cwd: here.dir });
    await gateway.stop();
    return new URL(gateway.url).port;
  };
  expect(await portOf([])).toBe(configured);
  expect(await portOf([], { OPENCLAW_GATEWAY_PORT: environment })).toBe(environment);
  expect(await portOf(["run", "--port", given], { OPENCLAW_GATEWAY_PORT: environment })).toBe(given);
});

test("secrets do not get into the log", async () => {
  const here = home(CONFIG);
  const gateway = await start(here, "--verbose");
  const client = await connectTo(gateway.url, TOKEN);
  await client.stop();
  expect(await gateway.stop()).toBe(0);
  expect(gateway.output).not.toContain(TOKEN);
  const facts = readFileSync(join(here.dir, ".openclaw", "chela.sqlite"));
  expect(facts.includes(TOKEN)).toBe(false);
});
