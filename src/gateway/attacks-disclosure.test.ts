import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { METHODS, type MethodSpec } from "../../generated/methods.ts";
import { Samples } from "../../scripts/codegen/samples/read.ts";
import { ALL_SCOPES, startTestGateway, type TestClient, type TestGateway } from "./testing.ts";

const SECRETS = {
  token: "gateway-token-7f3a9c2e51",
  hook: "hook-token-1b8d4e6f90",
  provider: "provider-key-c4a2e8f611",
  header: "header-key-90ab12cd34",
  variable: "variable-token-5e6f7a8b9c",
  userinfo: "userinfo-pass-2c4e6a8b",
};
const CONFIG = {
  gateway: { auth: { mode: "token", token: SECRETS.token } },
  hooks: { token: SECRETS.hook },
  env: { vars: { MY_TOKEN: SECRETS.variable } },
  models: {
    providers: {
      mock: {
        baseUrl: `http://user:${SECRETS.userinfo}@127.0.0.1:9/v1`,
        apiKey: SECRETS.provider,
        headers: { "X-Api-Key": SECRETS.header },
        api: "openai-completions",
        models: [{ id: "mock-1", name: "mock-1" }],
      },
    },
  },
};

const samples = new Samples(join(import.meta.dir, "..", ".."));
const READ_METHODS = Object.values(METHODS as Readonly<Record<string, MethodSpec>>).filter(
  ({ role, scope }) => role !== "node" && (scope === "operator.read" || scope === null),
);

let gateway: TestGateway;
let reader: TestClient;
beforeAll(async () => {
  gateway = await startTestGateway({ config: CONFIG as never });
  reader = await gateway.connect({ scopes: ["operator.read"] });
});
afterAll(() => gateway.stop());

/** The forms in which a secret could hide in an answer. */
const formsOf = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString("base64").replace(/=+$/, "").slice(0, -1),
  Buffer.from(secret).toString("hex"),
  [...secret].reverse().join(""),
];

function expectNoSecret(what: string, text: string): void {
  for (const [name, secret] of Object.entries(SECRETS)) {
    for (const form of formsOf(secret)) expect([what, name, text.includes(form)]).toEqual([what, name, false]);
  }
}

describe("37: no secret of the configuration in any answer", () => {
  test.each([["operator.read"], ...[ALL_SCOPES]])("to a client with %s: hello and events", async (...scopes) => {
    const client = await gateway.connect({ scopes });
    await client.call("system-presence");
    expectNoSecret("hello", JSON.stringify(client.frames));
  });

  test.each(READ_METHODS.map(({ name }) => name))("%s", async (method) => {
    if (method === "agent.wait") return;
    const [full] = samples.of(samples.methods[method]!.params).valid;
    for (const client of [reader, await gateway.connect()]) {
      for (const params of [{}, full]) expectNoSecret(method, JSON.stringify(await client.request(method, params)));
    }
  });

  test("nor over HTTP", async () => {
    const headers = { Authorization: `Bearer ${SECRETS.token}` };
    for (const path of ["/status", "/metrics", "/rpc/methods", "/healthz", "/readyz"]) {
      expectNoSecret(path, await (await fetch(gateway.httpUrl + path, { headers })).text());
    }
  });

  test("a refusal does not repeat a credential that was tried", async () => {
    const tried = "tried-credential-1234567890";
    const client = await gateway.open();
    client.hello({ auth: { token: tried } }).catch(() => {});
    const { reason } = await client.ended();
    expect(JSON.stringify(client.frames) + reason).not.toContain(tried);
    expectNoSecret("refusal", JSON.stringify(client.frames) + reason);
  });
});

describe("39: where files lie is for administrators", () => {
  test("hello, status and health show a reader no path of this machine", async () => {
    const shown = [reader.helloPayload, await reader.call("status"), await reader.call("health")];
    for (const place of [gateway.stateDir, homedir(), import.meta.dir]) {
      expect(JSON.stringify(shown)).not.toContain(place);
    }
  });

  test("status names sessions, models and places to administrators alone", async () => {
    const sessions = {
      paths: [],
      recent: [],
      defaults: { model: null },
      byAgent: [{ path: "[redacted]", recent: [] }],
    };
    expect((await reader.call("status")).sessions).toMatchObject(sessions);
    const { paths } = (await (await gateway.connect()).call("status")).sessions;
    expect(paths).toEqual([join(gateway.stateDir, "chela.sqlite")]);
  });

  test("nor does any other answer to a reader but those about workspaces and the log", async () => {
    // An agent's workspace is part of what agents.list says, to readers as well (BEHAVIOUR section 6); which file is
    // read is part of what logs.tail says, and where skills lie of what skills.status says. The log of a test lies in
    // its state directory.
    const meant = ["agents.list", "agent.wait", "config.get", "logs.tail", "skills.status"];
    const other = READ_METHODS.filter(({ name }) => !meant.includes(name));
    for (const { name } of other) {
      const text = JSON.stringify(await reader.request(name, {}));
      expect([name, text.includes(gateway.stateDir)]).toEqual([name, false]);
    }
  });
});

describe("60: an avatar is an image of the workspace, or none", () => {
  test.each([
    "../secret.png",
    "/etc/passwd",
    "link.png",
    "folder.png",
    "big.png",
    "file:///etc/passwd",
    "..\\secret.png",
  ])("%s is not read", async (avatar) => {
    const own = await startTestGateway({
      config: { agents: { entries: { main: { identity: { avatar } } } } } as never,
    });
    const workspace = join(own.stateDir, "workspace");
    mkdirSync(join(workspace, "folder.png"), { recursive: true });
    writeFileSync(join(own.stateDir, "secret.png"), "outside the workspace");
    symlinkSync(join(own.stateDir, "secret.png"), join(workspace, "link.png"));
    writeFileSync(join(workspace, "big.png"), Buffer.alloc(3_000_000));
    const client = await own.connect();
    const answers = [await client.call("agent.identity.get", { agentId: "main" }), await client.call("agents.list")];
    expect(JSON.stringify(answers)).not.toContain("data:");
    expect(JSON.stringify(answers)).not.toContain(Buffer.from("outside").toString("base64").slice(0, 8));
    await own.stop();
  });
});

describe("46: what the gateway writes is for its owner alone", () => {
  test("files and folders of the state directory", async () => {
    const before = process.umask(0o022);
    const own = await startTestGateway();
    chmodSync(own.stateDir, 0o700);
    const client = await own.connect();
    await client.call("set-heartbeats", { enabled: false });
    const open = openTo(own.stateDir);
    await own.stop();
    process.umask(before);
    expect(open).toEqual([]);
  });
});

/** Paths under a folder that group or others may touch. */
function openTo(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => (lstatSync(path).mode & 0o077) !== 0 && !path.endsWith("openclaw.json"));
}
