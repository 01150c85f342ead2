import { describe, expect, test } from "bun:test";
import { chmodSync, linkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { GatewayConfig } from "../../generated/config.ts";
import type { LogFields } from "../platform/logger.ts";
import { silentLogger } from "../platform/logger.ts";
import type { Config } from "./config.ts";
import { ConfigFolder } from "./testing.ts";

const keyOf = ({ current }: Config, provider = "p"): unknown => current.models.providers?.[provider]?.apiKey;

const withKey = (apiKey: unknown, secrets: object = {}): string =>
  JSON.stringify({ models: { providers: { p: { apiKey } } }, secrets });

describe("a reference to a variable", () => {
  test.each([
    [{ source: "env", provider: "default", id: "KEY_X" }, {}],
    [{ source: "env", id: "KEY_X" }, {}],
    ["$KEY_X", {}],
    ["${KEY_X}", {}],
    [
      { source: "env", provider: "mine", id: "KEY_X" },
      { providers: { mine: { source: "env", allowlist: ["KEY_X"] } } },
    ],
    [{ source: "env", provider: "std", id: "KEY_X" }, { defaults: { env: "std" } }],
  ])("%j is the variable's value", async (ref, secrets) => {
    using folder = new ConfigFolder({ "openclaw.json": withKey(ref, secrets) });
    expect(keyOf(await folder.load({ env: { KEY_X: "value-x" } }))).toBe("value-x");
  });

  test.each([
    ["an unset variable", { source: "env", id: "NOPE" }, {}],
    ["an empty variable", { source: "env", id: "EMPTY" }, {}],
    [
      "another provider than the default one",
      { source: "env", provider: "default", id: "KEY_X" },
      { defaults: { env: "std" } },
    ],
    [
      "a provider that does not allow it",
      { source: "env", id: "KEY_X" },
      { providers: { default: { source: "env", allowlist: [] } } },
    ],
    ["no variable's name", { source: "env", id: "key-x" }, {}],
    ["a store that is not there", { source: "store", id: "KEY_X" }, {}],
  ])("%s leaves the reference in place", async (_name, ref, secrets) => {
    using folder = new ConfigFolder({ "openclaw.json": withKey(ref, secrets) });
    expect(keyOf(await folder.load({ env: { KEY_X: "value-x", EMPTY: "" } }))).toEqual(ref);
  });

  test("is one only with the fields of one", async () => {
    using folder = new ConfigFolder({ "openclaw.json": withKey({ source: "magic", id: "KEY_X" }) });
    expect((await folder.error()).message).toContain("must be text or a secret reference");
  });
});

describe("a reference to a file", () => {
  const secrets = (path: string, mode?: string) => ({
    providers: { f: { source: "file", path, ...(mode && { mode }) } },
  });
  const load = async (id: string, text: string, change: (path: string) => void = () => {}, mode?: string) => {
    using folder = new ConfigFolder();
    const path = folder.write("secrets.json", text);
    chmodSync(path, 0o600);
    change(path);
    folder.write("openclaw.json", withKey({ source: "file", provider: "f", id }, secrets("~/secrets.json", mode)));
    return keyOf(await folder.load({ env: { HOME: folder.folder } }));
  };

  test.each([
    ["/providers/openai/apiKey", '{"providers":{"openai":{"apiKey":"v1"}}}', "v1"],
    ["/a~1b/c~0d", '{"a/b":{"c~d":"v2"}}', "v2"],
    ["/list/1", '{"list":["x","v3"]}', "v3"],
  ])("%s points into JSON", async (id, text, value) => {
    expect(await load(id, text)).toBe(value);
  });

  test("with a single value", async () => {
    expect(await load("value", "the key\n", undefined, "singleValue")).toBe("the key");
  });

  const untouched = (): void => {};
  test.each<[string, string, string, (path: string) => void, string | undefined]>([
    ["nothing at the pointer", "/x", "{}", untouched, "json"],
    ["a prototype's key", "/constructor/name", "{}", untouched, "json"],
    ["no text there", "/x", '{"x":{"y":1}}', untouched, "json"],
    ["no pointer", "x", '{"x":"v"}', untouched, "json"],
    ["no JSON", "/x", "x=v", untouched, "json"],
    ["another id of a single value", "x", "v", untouched, "singleValue"],
    ["a file that others may read", "/x", '{"x":"v"}', (path) => chmodSync(path, 0o644), "json"],
    ["a file with a second name", "/x", '{"x":"v"}', (path) => linkSync(path, `${path}.2`), "json"],
  ])("%s leaves the reference in place", async (_name, id, text, change, mode) => {
    expect(await load(id, text, change, mode)).toEqual({ source: "file", provider: "f", id });
  });

  test("a link to a file is not followed", async () => {
    using folder = new ConfigFolder({ real: '{"x":"v"}' });
    chmodSync(join(folder.folder, "real"), 0o600);
    symlinkSync("real", join(folder.folder, "link"));
    const ref = { source: "file", provider: "f", id: "/x" };
    folder.write("openclaw.json", withKey(ref, secrets(join(folder.folder, "link"))));
    expect(keyOf(await folder.load())).toEqual(ref);
  });
});

describe("a reference to a command", () => {
  const script = (folder: ConfigFolder, body: string): string => {
    const path = folder.write("resolver", `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o700);
    return path;
  };
  const ref = (id: string) => ({ source: "exec", provider: "vault", id });
  const provider = (command: string, more: object = {}) => ({
    providers: { vault: { source: "exec", command, ...more } },
  });

  /** Loads and watches a configuration, and waits until the command's answer is in force. */
  const answered = async (folder: ConfigFolder, env: Record<string, string> = {}) => {
    const config = await folder.load({ env });
    const before = keyOf(config);
    const lines: { message: string; fields?: LogFields }[] = [];
    const note = (message: string, fields?: LogFields): void => void lines.push({ message, fields });
    const log = { ...silentLogger, warn: note, child: () => log };
    const next = new Promise<GatewayConfig>((resolve) => config.onChange(resolve));
    config.watch(log, { pollMs: 1e6 });
    await next;
    config.close();
    return { config, before, lines };
  };

  test("is asked once for all ids when the gateway runs, on its input, with the variables it may see", async () => {
    using folder = new ConfigFolder();
    const command = script(
      folder,
      `read input; printf '%s|%s|%s\\n' "$input" "$SEEN" "$HIDDEN" >> ${folder.folder}/calls
       echo '{"protocolVersion":1,"values":{"a/b#c":"one","d":"two"}}'`,
    );
    folder.write(
      "openclaw.json",
      JSON.stringify({
        models: { providers: { p: { apiKey: ref("a/b#c") }, q: { apiKey: ref("d") } } },
        secrets: provider(command, { passEnv: ["SEEN"] }),
      }),
    );
    const { config, before, lines } = await answered(folder, { SEEN: "seen", HIDDEN: "hidden", PATH: "/bin:/usr/bin" });
    expect(before).toEqual(ref("a/b#c"));
    expect([keyOf(config), keyOf(config, "q")]).toEqual(["one", "two"]);
    expect(lines).toEqual([]);
    const calls = await Bun.file(join(folder.folder, "calls")).text();
    expect(calls).toBe('{"protocolVersion":1,"provider":"vault","ids":["a/b#c","d"]}|seen|\n');
  });

  test("may answer with the text itself when jsonOnly is off", async () => {
    using folder = new ConfigFolder();
    const command = script(folder, "echo plain-secret");
    folder.write("openclaw.json", withKey(ref("value"), provider(command, { jsonOnly: false })));
    expect(keyOf((await answered(folder)).config)).toBe("plain-secret");
  });

  test.each<[string, string, object, string]>([
    [
      "says so",
      `echo '{"protocolVersion":1,"values":{},"errors":{"x":{"code":"NOT_FOUND","message":"s3cret"}}}'`,
      {},
      "no value for this id (NOT_FOUND)",
    ],
    [
      "invents a code",
      `echo '{"protocolVersion":1,"values":{},"errors":{"x":{"code":"s3cret"}}}'`,
      {},
      "no value for this id",
    ],
    ["answers plain text", "echo s3cret", {}, "not {protocolVersion: 1, values}"],
    ["fails", "echo s3cret >&2; exit 3", {}, "exit code 3"],
    ["hangs", "echo s3cret; exec sleep 60", { timeoutMs: 100 }, "no answer within 100 ms"],
    ["falls silent", "exec sleep 60", { noOutputTimeoutMs: 100 }, "no output for 100 ms"],
    ["talks too much", "exec yes s3cret", { maxOutputBytes: 1000 }, "more than 1000 bytes"],
    ["is outside trustedDirs", "echo {}", { trustedDirs: ["/nowhere"] }, "outside trustedDirs"],
  ])("that %s leaves the reference in place and is told without its words", async (_name, body, more, reason) => {
    using folder = new ConfigFolder();
    folder.write("openclaw.json", withKey(ref("x"), provider(script(folder, body), more)));
    const { config, lines } = await answered(folder, { PATH: "/bin:/usr/bin" });
    expect(keyOf(config)).toEqual(ref("x"));
    expect(JSON.stringify(lines)).toContain(reason);
    expect(JSON.stringify(lines)).not.toContain("s3cret");
  });

  test("that others may change, a link, or no absolute path is not run", async () => {
    using folder = new ConfigFolder();
    const ran = join(folder.folder, "ran");
    const command = script(folder, `touch ${ran}`);
    chmodSync(command, 0o777);
    symlinkSync(script(folder, "true"), join(folder.folder, "link"));
    writeFileSync(command, `#!/bin/sh\ntouch ${ran}\n`);
    chmodSync(command, 0o777);
    for (const path of [command, join(folder.folder, "link"), "resolver", join(folder.folder, "missing")]) {
      folder.write("openclaw.json", withKey(ref("x"), provider(path)));
      const { lines } = await answered(folder);
      expect(lines).toHaveLength(1);
    }
    expect(await Bun.file(ran).exists()).toBe(false);
  });

  test.each(["a/../b", "./a", "-x", "a b", ""])("the id %j is refused before anything runs", async (id) => {
    using folder = new ConfigFolder();
    folder.write("openclaw.json", withKey(ref(id), provider(script(folder, `touch ${folder.folder}/ran`))));
    const config = await folder.load();
    config.watch(silentLogger, { pollMs: 1e6 });
    config.close();
    expect(keyOf(config)).toEqual(ref(id));
  });

  test("is waited for when it holds the gateway's own secret", async () => {
    using folder = new ConfigFolder();
    const command = script(folder, `echo '{"protocolVersion":1,"values":{"t":"the-token"}}'`);
    folder.write(
      "openclaw.json",
      JSON.stringify({ gateway: { auth: { token: ref("t") } }, secrets: provider(command) }),
    );
    expect((await folder.load()).current.gateway.auth.token).toBe("the-token");
  });
});

describe("the gateway's own secret", () => {
  const auth = (auth: object): string => JSON.stringify({ gateway: { auth } });
  const ref = { source: "env", provider: "default", id: "NOPE" };

  test.each([
    ["token", ref],
    ["token", "$NOPE"],
    ["token", "${NOPE}"],
    ["password", ref],
  ])("%s without a value stops the start: %j", async (key, value) => {
    using folder = new ConfigFolder({ "openclaw.json": auth({ mode: key, [key]: value }) });
    const [problem] = await folder.problems({ env: { OPENCLAW_GATEWAY_TOKEN: "not-used-instead" } });
    expect(problem).toMatchObject({ file: folder.file, line: 1, path: `gateway.auth.${key}` });
  });

  test("is not needed in another mode, and then does not stand for itself", async () => {
    using folder = new ConfigFolder({ "openclaw.json": auth({ mode: "token", token: "t", password: ref }) });
    expect((await folder.load()).current.gateway.auth).toEqual(expect.objectContaining({ mode: "token", token: "t" }));
    expect((await folder.load()).current.gateway.auth).not.toHaveProperty("password");
  });

  test("may come from the command line instead", async () => {
    using folder = new ConfigFolder({ "openclaw.json": auth({ mode: "token", token: ref }) });
    const { current } = await folder.load({ given: { gateway: { auth: { token: "given" } } } });
    expect(current.gateway.auth.token).toBe("given");
  });

  test("attack 17: one that changed is in force with the reload, the old one is not", async () => {
    using folder = new ConfigFolder({ "openclaw.json": auth({ mode: "token", token: "old" }) });
    const config = await folder.load();
    folder.write("openclaw.json", auth({ mode: "token", token: "new" }));
    config.refresh();
    expect(config.current.gateway.auth.token).toBe("new");
  });
});

test("attack 37: config.get shows no value of a reference, and what it points at as little", async () => {
  using folder = new ConfigFolder({ "openclaw.json": withKey({ source: "env", id: "KEY_X" }) });
  const text = JSON.stringify((await folder.load({ env: { KEY_X: "value-of-x" } })).snapshot());
  expect(text).not.toContain("value-of-x");
  expect(text).not.toContain("KEY_X");
});
