import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ConfigFolder } from "../config/testing.ts";
import { systemClock } from "../platform/clock.ts";
import { createLog, createLogTail } from "./create.ts";

const folderWith = (logging: object, more: object = {}): ConfigFolder => {
  const folder = new ConfigFolder();
  folder.write(
    "openclaw.json",
    JSON.stringify({ logging: { file: join(folder.folder, "x.log"), ...logging }, ...more }),
  );
  return folder;
};

test("what the log writes, logs.tail reads, without the secrets of config and environment", async () => {
  using folder = folderWith({ redactPatterns: ["cust-\\d+"] }, { gateway: { auth: { token: "gateway-token-1" } } });
  const config = await folder.load({ env: { SOME_API_KEY: "from-environment" } });
  const log = createLog({ config, console: null });
  const tail = createLogTail(config, systemClock);
  log.child("gateway/ws").warn("gateway-token-1 and from-environment and cust-7", { conn: 1 });
  await log.flush();
  const { lines, file } = await tail.read({});
  expect(file).toBe(join(folder.folder, "x.log"));
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)["1"]).toBe("[redacted:known-secret] and [redacted:known-secret] and [redacted:pattern]");

  // A secret that comes with a reload, also where an older line still holds it.
  log.info("next-token-2");
  await log.flush();
  expect((await tail.read({})).lines.at(-1)).toContain("next-token-2");
  config.give({ gateway: { auth: { token: "next-token-2" } } });
  expect((await tail.read({})).lines.at(-1)).not.toContain("next-token-2");
  log.info("again next-token-2");
  await log.flush();
  expect((await tail.read({})).lines.at(-1)).toContain("again [redacted:known-secret]");
  await log.close();
});

test("level, file and patterns follow the config while it runs", async () => {
  using folder = folderWith({ level: "warn" });
  const config = await folder.load();
  const log = createLog({ config, console: null });
  log.info("hidden");
  const other = join(folder.folder, "other.log");
  folder.write("openclaw.json", JSON.stringify({ logging: { file: other, level: "debug" } }));
  config.refresh();
  log.debug("shown");
  await log.flush();
  expect(existsSync(join(folder.folder, "x.log"))).toBe(false);
  expect((await createLogTail(config, systemClock).read({})).lines).toHaveLength(1);
  await log.close();
});

test.each([
  [{ env: {} }, ["warn"]],
  [{ env: { OPENCLAW_LOG_LEVEL: "info" } }, ["info", "warn"]],
  [{ env: { OPENCLAW_LOG_LEVEL: "loud" } }, ["warn", "OPENCLAW_LOG_LEVEL is no level and is ignored"]],
  [{ env: { OPENCLAW_LOG_LEVEL: "info" }, level: "debug" as const }, ["debug", "info", "warn"]],
])("the level: %j", async ({ env, ...options }, expected) => {
  using folder = folderWith({ level: "warn" });
  const config = await folder.load({ env });
  const log = createLog({ config, console: null, ...options });
  log.debug("debug");
  log.info("info");
  log.warn("warn");
  await log.close();
  const { lines } = await createLogTail(config, systemClock).read({});
  expect(lines.map((line) => JSON.parse(line)["1"]).sort()).toEqual([...expected].sort());
});

test("~ in logging.file is the gateway's home", async () => {
  using folder = new ConfigFolder();
  folder.write("openclaw.json", "{ logging: { file: '~/logs/a.log' } }");
  const config = await folder.load({ env: { HOME: folder.folder } });
  const log = createLog({ config, console: null });
  expect(log.filePath).toBe(join(folder.folder, "logs/a.log"));
  await log.close();
});

test("CHELA_LOG_FILE names the file where the config does not", async () => {
  using folder = folderWith({ file: "" });
  const own = join(folder.folder, "own.log");
  const config = await folder.load({ env: { CHELA_LOG_FILE: own } });
  const log = createLog({ config, console: null });
  log.info("here");
  await log.flush();
  expect((await createLogTail(config, systemClock).read({})).file).toBe(own);
  folder.write("openclaw.json", JSON.stringify({ logging: { file: join(folder.folder, "x.log") } }));
  config.refresh();
  expect((await createLogTail(config, systemClock).read({})).file).toBe(join(folder.folder, "x.log"));
  await log.close();
});
