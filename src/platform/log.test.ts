import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { ManualClock } from "./clock.ts";
import { Log, type LogOptions } from "./log.ts";

let folder: string;
let file: string;
const open: Log[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "chela-log-"));
  file = join(folder, "a.log");
});
afterEach(async () => {
  for (const log of open.splice(0)) await log.close();
  rmSync(folder, { recursive: true });
});

function newLog(options: Partial<LogOptions> = {}): Log {
  const log = new Log({ level: "info", consoleLevel: "info", maxFileBytes: 1e6, file, console: null, ...options });
  open.push(log);
  return log;
}

// biome-ignore lint/suspicious/noExplicitAny: log lines hold anything
const lines = (path = file): any[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

describe("a line of the file", () => {
  test("has the names that upstream's readers look for", async () => {
    const log = newLog({ clock: new ManualClock(Date.UTC(2026, 0, 2, 3, 4, 5, 6)) });
    log.child("gateway/ws").warn("slow call", { method: "health", ms: 12 });
    await log.flush();
    const [line] = lines();
    expect(line).toMatchObject({
      "0": '{"subsystem":"gateway/ws"}',
      "1": "slow call",
      "2": { method: "health", ms: 12 },
      _meta: {
        date: "2026-01-02T03:04:05.006Z",
        logLevelId: 4,
        logLevelName: "WARN",
        name: '{"subsystem":"gateway/ws"}',
      },
      message: 'slow call {"method":"health","ms":12}',
    });
    expect(new Date(line.time).toISOString()).toBe("2026-01-02T03:04:05.006Z");
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.006[+-]\d\d:\d\d$/);
    expect(line.hostname).toBe(line._meta.hostname);
  });

  test("shows an error with its stack, code and cause", async () => {
    const log = newLog();
    const cause = Object.assign(new Error("no route"), { code: "EHOSTUNREACH" });
    log.error("failed", { error: new TypeError("bad", { cause }) });
    await log.flush();
    const { error } = lines()[0]["2"];
    expect(error).toMatchObject({
      name: "TypeError",
      message: "bad",
      cause: { message: "no route", code: "EHOSTUNREACH" },
    });
    expect(error.stack).toContain("log.test.ts");
  });

  test("attack 125: cannot be forged, and steers no terminal", async () => {
    const log = newLog();
    log.info('x\n{"fake":1}\u001b[2J\u009b31m\u202e', {
      origin: "a\r\nb\u2028c\u0000",
      "k\ney": 1,
      error: new Error("m\nINFO fake"),
    });
    await log.flush();
    const text = readFileSync(file, "utf8");
    expect(text.trimEnd().split("\n")).toHaveLength(1);
    const [line] = lines();
    expect(line["1"]).toBe('x\\n{"fake":1}\\u001b[2J\\u009b31m\\u202e');
    expect(line["2"].origin).toBe("a\\r\\nb\\u2028c\\u0000");
    expect(Object.keys(line["2"])).toContain("k\\ney");
    expect(line["2"].error.message).toBe("m\\nINFO fake");
    expect(line["2"].error.stack).not.toContain("INFO fake");
  });

  test("attack 125: is bounded, however long, deep or wide what is logged may be", async () => {
    const log = newLog();
    const deep: Record<string, unknown> = {};
    let inner = deep;
    for (let depth = 0; depth < 50; depth++) inner = inner.next = {} as Record<string, unknown>;
    log.info("y".repeat(100_000), { deep, wide: Array.from({ length: 5000 }, () => "z"), text: "t".repeat(100_000) });
    await log.flush();
    const [line] = lines();
    expect(line["1"]).toHaveLength(LIMITS.logStringChars + "… (100000 characters)".length);
    expect(line["2"].wide).toHaveLength(LIMITS.logFieldEntries + 1);
    expect(JSON.stringify(line["2"].deep)).toBe(
      `${'{"next":'.repeat(LIMITS.logFieldDepth - 1)}"<object>"${"}".repeat(LIMITS.logFieldDepth - 1)}`,
    );
  });

  test("takes anything without throwing", async () => {
    const log = newLog();
    const circle: Record<string, unknown> = { name: "c" };
    circle.self = circle;
    const trap = {
      get bad(): never {
        throw new Error("no");
      },
    };
    log.info("odd", {
      circle,
      big: 2n ** 70n,
      nan: Number.NaN,
      bytes: new Uint8Array(9),
      map: new Map([["k", 1]]),
      fn: () => 1,
      lone: "\ud800",
    });
    log.info("trap", trap);
    log.info(undefined as unknown as string);
    await log.flush();
    const [odd, caught, nothing] = lines();
    expect(odd["2"]).toMatchObject({
      circle: { name: "c", self: "<circular>" },
      big: "1180591620717411303424",
      nan: "NaN",
      bytes: "<9 bytes>",
      map: { k: 1 },
      fn: "<function>",
    });
    expect(caught["1"]).toBe("trap");
    expect(nothing["1"]).toBe("undefined");
  });

  test("attack 126: holds no secret, known or not", async () => {
    const log = newLog({ redactPatterns: ["cust-\\d+"] });
    log.redactor.setSecrets(["correct horse battery"]);
    const key = `sk-ant-api03-${"aB3dE5fG7hJ9kLmN0pQr".repeat(4)}`;
    log.error("call of https://u:pw123pw123@h/?api_key=tok12345tok with correct horse battery and CUST-99", {
      apiKey: "k1",
      headers: { Authorization: "Bearer abcdefghijklmnop", "x-id": "7" },
      error: new Error(`${key} refused`),
      "correct horse battery": 1,
    });
    await log.flush();
    const text = readFileSync(file, "utf8");
    for (const secret of ["pw123", "tok12345", "horse", "CUST-99", '"k1"', "abcdefgh", key])
      expect(text).not.toContain(secret);
    expect(lines()[0]["2"].headers).toEqual({ Authorization: "[redacted]", "x-id": "7" });
  });

  test("an operator's pattern that is none is told", async () => {
    newLog({ redactPatterns: ["(", "/X\\d/"] }).info("X1 x1");
    await open[0]!.flush();
    expect(lines().map((line) => line["1"])).toEqual([
      expect.stringContaining("no regular expression"),
      "[redacted:pattern] x1",
    ]);
  });
});

describe("levels", () => {
  test("filter the file, also after a change", async () => {
    const log = newLog({ level: "warn" });
    log.info("one");
    log.warn("two");
    log.configure({ level: "debug", consoleLevel: "info", maxFileBytes: 1e6, file });
    log.debug("three");
    log.configure({ level: "silent", consoleLevel: "info", maxFileBytes: 1e6, file });
    log.error("four");
    await log.flush();
    expect(lines().map((line) => line["1"])).toEqual(["two", "three"]);
  });
});

describe("the file", () => {
  test("is private, and its directory is made", async () => {
    const path = join(folder, "deep/er/b.log");
    const log = newLog({ file: path });
    log.info("x");
    await log.flush();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "deep")).mode & 0o777).toBe(0o700);
  });

  test("is appended to", async () => {
    writeFileSync(file, "{}\n");
    const log = newLog();
    log.info("x");
    await log.flush();
    expect(lines()).toHaveLength(2);
  });

  test("rotates before it grows beyond its size; five older ones stay", async () => {
    const log = newLog({ maxFileBytes: 2000 });
    for (let n = 0; n < 40; n++) {
      log.info(`line ${n} ${"x".repeat(200)}`);
      await log.flush();
    }
    const names = readdirSync(folder).sort();
    expect(names).toEqual(["a.1.log", "a.2.log", "a.3.log", "a.4.log", "a.5.log", "a.log"]);
    for (const name of names) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(2000);
    const kept = ["a.5.log", "a.4.log", "a.3.log", "a.2.log", "a.1.log", "a.log"].flatMap((name) =>
      lines(join(folder, name)),
    );
    const numbers = kept.map((line) => Number(line["1"].split(" ")[1]));
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, n) => 40 - numbers.length + n));
  });

  test("comes back when somebody removed it", async () => {
    const log = newLog();
    log.info("one");
    await log.flush();
    rmSync(file);
    log.info("two");
    await log.flush();
    expect(lines().map((line) => line["1"])).toEqual(["two"]);
  });

  test("is the one under its name, also when another process rotated it away", async () => {
    const log = newLog();
    log.info("one");
    await log.flush();
    renameSync(file, join(folder, "a.1.log"));
    log.info("two");
    await log.flush();
    expect(lines().map((line) => line["1"])).toEqual(["two"]);
  });

  test("that cannot be written stops nobody and is told to the console once a while", async () => {
    const out = join(folder, "console");
    const fd = openSync(out, "a");
    const log = newLog({ file: join(folder, "a.log", "b.log"), console: { out: fd, err: fd }, consoleLevel: "error" });
    writeFileSync(file, "");
    for (let n = 0; n < 3; n++) {
      log.info("x");
      await log.flush();
    }
    await log.flush();
    const shown = readFileSync(out, "utf8").trim().split("\n");
    expect(shown).toHaveLength(1);
    expect(shown[0]).toContain("the log file cannot be written");
  });

  test("gets what waits when the process ends at once", async () => {
    const script = join(folder, "end.ts");
    writeFileSync(
      script,
      `import { Log } from "${join(import.meta.dir, "log.ts")}";
       const log = new Log({ level: "info", consoleLevel: "info", maxFileBytes: 1e9, file: ${JSON.stringify(file)}, console: null });
       for (let n = 0; n < 1000; n++) log.info("line " + n);
       void log.flush();
       for (let n = 1000; n < 2000; n++) log.info("line " + n);
       process.exit(0);`,
    );
    expect(Bun.spawnSync([process.execPath, script], { stderr: "inherit" }).exitCode).toBe(0);
    const numbers = lines().map((line) => Number(line["1"].slice(5)));
    expect(numbers).toEqual(Array.from({ length: 2000 }, (_, n) => n));
  });

  test("drops lines beyond its buffer and says how many", async () => {
    const log = newLog({ maxFileBytes: 0 });
    const each = 8000;
    const count = Math.ceil((LIMITS.logBufferBytes * 1.5) / each / 2);
    for (let n = 0; n < count; n++) log.info(`${n} ${"x".repeat(each)}`);
    const { dropped } = log;
    expect(dropped).toBeGreaterThan(0);
    await log.flush();
    const written = lines();
    expect(written).toHaveLength(count - dropped + 1);
    expect(written.at(-1)["1"]).toBe(`${dropped} lines were dropped: they came faster than they could be written`);
    log.info("again");
    await log.flush();
    expect(lines().at(-1)["1"]).toBe("again");
  });
});

describe("the console", () => {
  const shown = async (options: Partial<LogOptions>, act: (log: Log) => void) => {
    const [out, err] = [join(folder, "out"), join(folder, "err")];
    const log = newLog({
      console: { out: openSync(out, "a"), err: openSync(err, "a") },
      clock: new ManualClock(),
      ...options,
    });
    act(log);
    await log.flush();
    return { out: readFileSync(out, "utf8"), err: readFileSync(err, "utf8") };
  };
  const act = (log: Log): void => {
    log.child("gateway/ws").info("hello", { hidden: 1 });
    log.child("channels/turn/execution/deep").warn("careful", { a: "b", c: "d e", token: "secret1" });
  };

  test("off a terminal: date, short subsystem, no colours, fields only of warnings; warnings go to the other stream", async () => {
    const { out, err } = await shown({}, act);
    expect(out).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d \[ws\] hello\n$/);
    expect(err).toMatch(/ \[execution\/deep\] careful a=b c="d e" token=\[redacted\]\n$/);
  });

  test("pretty: time of day; colours when asked for", async () => {
    const { out, err } = await shown({ consoleStyle: "pretty", colour: true }, act);
    expect(out.slice(0, 15)).toStartWith("\x1b[90m");
    expect(out.slice(5, 18)).toMatch(/^\d\d:\d\d:\d\d/);
    expect(err).toContain("\x1b[33mcareful\x1b[39m");
  });

  test("json: one object a line", async () => {
    const { out } = await shown({ consoleStyle: "json" }, act);
    expect(JSON.parse(out)).toMatchObject({ level: "info", subsystem: "gateway/ws", message: "hello", hidden: 1 });
  });

  test("has a level of its own", async () => {
    const { out, err } = await shown({ consoleLevel: "warn" }, act);
    expect(out).toBe("");
    expect(err).not.toBe("");
    expect(lines()).toHaveLength(2);
  });
});

describe("files by day", () => {
  test("old days of the same profile go when a new one begins; a link in the place of the file is not followed", async () => {
    const { dayPrefix, logFilePath, prepareFolder } = await import("./log-path.ts");
    expect(dayPrefix()).toBe("openclaw-");
    expect(dayPrefix("dev")).toBe("openclaw-dev-");
    expect(dayPrefix("My_box")).toBe("openclaw--4dy-5fbox-");
    expect(dayPrefix("../x")).toBe("openclaw--2e-2e-2fx-");
    const day = new Date(2026, 4, 6, 23, 59);
    expect(logFilePath({}, day)).toEndWith("/openclaw-2026-05-06.log");
    expect(logFilePath({ file: "/x/y.log" }, day)).toBe("/x/y.log");
    const shared = join(folder, "shared");
    mkdirSync(shared, { mode: 0o777 });
    chmodSync(shared, 0o777);
    expect(() => prepareFolder(join(shared, "x.log"), false)).toThrow("may be written by others");
    symlinkSync(folder, join(folder, "link"));
    expect(() => prepareFolder(join(folder, "link", "x.log"), false)).toThrow();
    expect(existsSync(join(shared, "x.log"))).toBe(false);
  });
});
