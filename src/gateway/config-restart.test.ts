import { afterEach, describe, expect, test } from "bun:test";
import type { Config } from "../config/config.ts";
import { ConfigFolder } from "../config/testing.ts";
import { silentLogger } from "../platform/logger.ts";
import { ConfigRestart } from "./config-restart.ts";
import { checkStart } from "./open.ts";

let folder: ConfigFolder;
let restart: ConfigRestart;
afterEach(() => {
  restart?.close();
  folder[Symbol.dispose]();
});

const AUTH = { auth: { mode: "token", token: "a-token-of-24-characters!!" } };

async function start(gateway: object, { busy = (): number => 0, patienceMs = 60_000 } = {}) {
  folder = new ConfigFolder({ "openclaw.json": JSON.stringify({ gateway }) });
  const config = await folder.load();
  let restarts = 0;
  const wanted = Promise.withResolvers<void>();
  restart = new ConfigRestart({
    config,
    busy,
    check: checkStart,
    restart: () => {
      restarts++;
      wanted.resolve();
    },
    log: silentLogger,
    pollMs: 1,
    patienceMs,
  });
  return {
    config,
    wanted: wanted.promise,
    count: () => restarts,
    change: (next: object, more: object = {}) => change(config, next, more),
  };
}

function change(config: Config, gateway: object, more: object): void {
  folder.write("openclaw.json", JSON.stringify({ gateway, ...more }));
  config.refresh();
}

/** Longer than many looks. */
const aWhile = () => Bun.sleep(30);

describe("a change of the config file", () => {
  test("that needs a restart gets one", async () => {
    const { wanted, change, count, config } = await start({ ...AUTH, port: 18999 });
    change({ ...AUTH, port: 19000 });
    expect(config.reload.waiting).toEqual(["gateway.port"]);
    await wanted;
    await aWhile();
    expect(count()).toBe(1);
  });

  test("that needs none gets none", async () => {
    const { change, count } = await start({ ...AUTH });
    change({ auth: { mode: "token", token: "another-token-of-24-chars!" } });
    await aWhile();
    expect(count()).toBe(0);
  });

  test("waits for what is at work, but not for ever", async () => {
    let busy = 1;
    const { wanted, change, count } = await start({ ...AUTH }, { busy: () => busy });
    change({ ...AUTH, port: 19000 });
    await aWhile();
    expect(count()).toBe(0);
    busy = 0;
    await wanted;
    restart.close();
    folder[Symbol.dispose]();
    const impatient = await start({ ...AUTH }, { busy: () => 1, patienceMs: 5 });
    impatient.change({ ...AUTH, port: 19000 });
    await impatient.wanted;
  });

  test("that is taken back in time, or followed by a mistake, gets none", async () => {
    let busy = 1;
    const { change, count, config } = await start({ ...AUTH }, { busy: () => busy });
    change({ ...AUTH, port: 19000 });
    change({ ...AUTH });
    busy = 0;
    await aWhile();
    expect([count(), config.reload.waiting]).toEqual([0, []]);
    busy = 1;
    change({ ...AUTH, port: 19000 });
    folder.write("openclaw.json", "{ gateway: ");
    config.refresh();
    busy = 0;
    await aWhile();
    expect(count()).toBe(0);
  });

  test("with which the gateway could not start is left waiting", async () => {
    const { change, count, config } = await start({ ...AUTH });
    for (const next of [
      { ...AUTH, tls: { enabled: true, certPath: "/nowhere.pem", keyPath: "/nowhere.pem" } },
      { auth: { mode: "none" }, bind: "lan" },
    ]) {
      change(next);
      await aWhile();
      expect(count()).toBe(0);
      expect(config.reload.waiting.length).toBeGreaterThan(0);
    }
  });
});

describe("gateway.reload.mode", () => {
  test.each([
    ["hybrid", 1, ["gateway.port"]],
    ["off", 0, ["gateway.port", "ui.seamColor"]],
    ["hot", 0, ["gateway.port"]],
    ["restart", 1, ["gateway.port", "ui.seamColor"]],
  ])("%s: %i restarts, and what waits for one", async (mode, restarts, waiting) => {
    const base = { ...AUTH, reload: { mode } };
    const { change, count, config } = await start(base);
    change({ ...base, port: 19000 }, { ui: { seamColor: "#123456" } });
    expect([...config.reload.waiting].sort()).toEqual(waiting);
    await aWhile();
    expect(count()).toBe(restarts);
  });
});
