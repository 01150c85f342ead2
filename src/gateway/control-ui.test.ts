import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONTROL_UI, pairLocally } from "./auth/testing.ts";
import { startTestGateway, TestDevice, type TestGateway } from "./testing.ts";
import { rawRequest } from "./testing-raw.ts";

const BUILD = `2026.9.6-release-abc-${"0".repeat(64)}`;
const SCRIPT = "globalThis.early = 1;";
const INDEX = `<!doctype html>
<html data-openclaw-control-ui-build-id="${BUILD}" lang="en"><head>
<link rel="icon" href="./favicon.svg" /><script data-x="false">${SCRIPT}</script>
<script type="module" src="./assets/app.js"></script></head><body></body></html>`;
const SECRET = "words that no page may show";

let folder: string;
let gateway: TestGateway;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "chela-page-"));
  const root = join(folder, "root");
  mkdirSync(join(root, "assets"), { recursive: true });
  mkdirSync(join(root, ".git"));
  writeFileSync(join(root, "index.html"), INDEX);
  writeFileSync(join(root, "favicon.svg"), "<svg/>");
  writeFileSync(join(root, "assets", "app.js"), "plain");
  writeFileSync(join(root, "assets", "app.js.br"), "brotli");
  writeFileSync(join(root, "assets", "app.js.gz"), "gzip");
  writeFileSync(join(folder, "secret.txt"), SECRET);
  writeFileSync(join(root, ".git", "config.txt"), SECRET);
  writeFileSync(join(root, "unknown.bin"), SECRET);
  symlinkSync(join(folder, "secret.txt"), join(root, "assets", "link.txt"));
  symlinkSync(folder, join(root, "up"));
  linkSync(join(folder, "secret.txt"), join(root, "assets", "hard.txt"));
  gateway = await startTestGateway({ config: { gateway: { controlUi: { root } } as never } });
});
afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
});

const get = (path: string, headers: Record<string, string> = {}, from = gateway) =>
  fetch(from.httpUrl + path, { headers, redirect: "manual" });
/** Over a bare socket, which sends paths as they are and unpacks nothing. */
const raw = (path: string, lines: string[]) =>
  rawRequest(gateway.httpUrl, [`GET ${path} HTTP/1.1`, "Host: x", "Connection: close", ...lines], () => false);
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

describe("the page", () => {
  test.each(["/", "/index.html", "/chat", "/settings/agents", "/chat/agent:main:some.name"])(
    "%s is the entry page, with its base path and absolute addresses",
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(answer.headers.get("cache-control")).toBe("no-cache");
      const html = await answer.text();
      expect(html).toContain('<html data-openclaw-control-ui-base-path="" data-openclaw-terminal-enabled="false" ');
      expect(html).toContain(`href="/favicon.svg?v=${BUILD}"`);
      expect(html).toContain('src="/assets/app.js"');
    },
  );

  test("56: runs no script but its own, is in no frame and is not sniffed", async () => {
    const { headers } = await get("/");
    const hash = createHash("sha256").update(SCRIPT).digest("base64");
    expect(headers.get("content-security-policy")).toContain(`script-src 'self' 'sha256-${hash}' 'wasm-unsafe-eval';`);
    expect(headers.get("content-security-policy")).toContain("object-src 'none'; frame-ancestors 'none'");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect((await get("/favicon.svg")).headers.get("content-security-policy")).toContain("script-src 'self';");
  });

  test("56: an agent's name is in no page, and JSON elsewhere", async () => {
    const name = "</script><script>alert(1)</script>";
    const named = await startTestGateway({
      config: {
        gateway: { controlUi: { root: join(folder, "root") } } as never,
        agents: { list: [{ id: "main", identity: { name } }] } as never,
      },
    });
    expect(await (await get("/", {}, named)).text()).not.toContain("alert(1)");
    const config = await get("/control-ui-config.json", bearer(named.token), named);
    expect(config.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(await config.json()).toMatchObject({ assistantName: name });
    await named.stop();
  });

  test("1: an address of another gateway in the query changes nothing that is sent", async () => {
    const plain = await (await get("/")).text();
    const answer = await get("/?gatewayUrl=wss%3A%2F%2Fevil.example%2F&token=x");
    expect(await answer.text()).toBe(plain);
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect((/connect-src ([^;]+)/.exec(policy)?.[1] ?? "*").split(" ")).not.toContainAnyValues([
      "*",
      "http:",
      "https:",
    ]);
  });

  test("comes compressed when it was compressed beforehand, and may be kept as long as its name says", async () => {
    const of = async (encoding: string) => {
      const { text } = await raw("/assets/app.js", [`Accept-Encoding: ${encoding}`]);
      return [text.split("\r\n\r\n")[1]!, /content-encoding: (\w+)/i.exec(text)?.[1] ?? ""];
    };
    expect(await of("gzip, br")).toEqual(["brotli", "br"]);
    expect(await of("gzip, br;q=0")).toEqual(["gzip", "gzip"]);
    expect(await of("identity")).toEqual(["plain", ""]);
    const asset = await get("/assets/app.js", { "Accept-Encoding": "identity" });
    expect(asset.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(asset.headers.get("vary")).toBe("Accept-Encoding");
    expect((await get(`/favicon.svg?v=${BUILD}`)).headers.get("cache-control")).toContain("immutable");
    const icon = await get("/favicon.svg?v=other");
    expect(icon.headers.get("cache-control")).toBe("no-cache");
    const again = await get("/favicon.svg", { "If-Modified-Since": icon.headers.get("last-modified")! });
    expect(again.status).toBe(304);
  });

  test.each(["/assets/none.js", "/none.txt", "/chat/a.js", "/assets/app.js.br", "/api/x", "/plugins/x", "/%zz"])(
    "%s is no view and no file",
    async (path) => {
      expect((await get(path)).status).toBe(404);
    },
  );

  test("below /plugins only an id of the catalogue is a view", async () => {
    expect((await get(`/plugins/local_${Buffer.from("openai").toString("base64url")}`)).status).toBe(200);
    for (const path of ["local_", "local_x", "openai"]) expect((await get(`/plugins/${path}`)).status).toBe(404);
  });

  test("takes no other method", async () => {
    expect((await fetch(`${gateway.httpUrl}/chat`, { method: "POST" })).status).toBe(404);
    const head = await fetch(`${gateway.httpUrl}/chat`, { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe("");
  });

  test("is not there without a folder, or when it is switched off", async () => {
    const root = join(folder, "root");
    for (const controlUi of [{}, { root, enabled: false }, { root: join(folder, "nowhere") }]) {
      const other = await startTestGateway({ config: { gateway: { controlUi } as never } });
      expect((await get("/", {}, other)).status).toBe(404);
      expect((await get("/assets/app.js", {}, other)).status).toBe(404);
      await other.stop();
    }
  });

  test("can stand under a base path", async () => {
    const controlUi = { root: join(folder, "root"), basePath: "ui/" };
    const other = await startTestGateway({ config: { gateway: { controlUi } as never } });
    expect((await get("/", {}, other)).status).toBe(404);
    expect((await get("/uix", {}, other)).status).toBe(404);
    expect((await get("/ui?a=1", {}, other)).headers.get("location")).toBe("/ui/?a=1");
    const html = await (await get("/ui/chat", {}, other)).text();
    expect(html).toContain('base-path="/ui"');
    expect(html).toContain('src="/ui/assets/app.js"');
    expect((await get("/ui/assets/app.js", {}, other)).status).toBe(200);
    const config = await get("/ui/control-ui-config.json", bearer(other.token), other);
    expect(await config.json()).toMatchObject({ basePath: "/ui" });
    await other.stop();
  });
});

describe("53: nothing outside of the folder is read", () => {
  test.each([
    "/../secret.txt",
    "/assets/../../secret.txt",
    "/assets/..%2f..%2fsecret.txt",
    "/assets/%2e%2e/%2e%2e/secret.txt",
    "/assets/%252e%252e/secret.txt",
    "/assets/..%5c..%5csecret.txt",
    "/assets//../../secret.txt",
    "/assets/link.txt",
    "/assets/hard.txt",
    "/up/secret.txt",
    "/.git/config.txt",
    "/unknown.bin",
    "/assets/app.js%00.txt",
    "/avatar/..%2f..%2fsecret.txt",
    "//secret.txt",
  ])("%s", async (path) => {
    const { text, statuses } = await raw(path, [`Authorization: Bearer ${gateway.token}`]);
    expect([200, 404]).toContain(statuses[0]!);
    expect(text).not.toContain(SECRET);
  });
});

describe("what the page asks for", () => {
  const paths = [
    "/control-ui-config.json",
    "/__openclaw/control-ui-config.json",
    "/avatar/main",
    "/api/users/x/avatar",
  ];

  test.each([...paths, "/__openclaw__/workspace-icon/agent%3Amain%3Amain"])(
    "54: %s needs credentials",
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBe(401);
      expect(await answer.json()).toEqual({ error: { message: "Unauthorized", type: "unauthorized" } });
    },
  );

  test("is answered for the token of a device as long as that counts, and for nothing else", async () => {
    const identity = new TestDevice();
    const token = await pairLocally(gateway, identity);
    const config = await get("/control-ui-config.json", bearer(token));
    expect(await config.json()).toMatchObject({
      basePath: "",
      assistantName: "Assistant",
      assistantAvatar: "A",
      assistantAgentId: "main",
      serverVersion: "2026.9.6",
      serverBuildId: "2026.9.6-release-abc",
      terminalEnabled: false,
    });
    expect((await get("/status", bearer(token))).status).toBe(401);
    const admin = await gateway.connect();
    await admin.call("device.token.revoke", { deviceId: identity.id, role: "operator" });
    expect((await get("/control-ui-config.json", bearer(token))).status).toBe(401);
  });

  test("there is no picture unless an agent has one in its workspace", async () => {
    const headers = bearer(gateway.token);
    expect((await get("/avatar/main", headers)).status).toBe(404);
    expect(await (await get("/avatar/main?meta=1", headers)).json()).toEqual({
      avatarUrl: null,
      avatarSource: null,
      avatarStatus: null,
      avatarReason: null,
    });
    expect((await get("/api/users/x/avatar", headers)).status).toBe(404);
  });

  test("a person's picture is served as what it was said to be, and not again while it is the same", async () => {
    const admin = await gateway.connect({
      identity: new TestDevice(),
      client: { id: "openclaw-tui", mode: "ui", version: "1", platform: "linux" },
    });
    const { id: profileId } = (await admin.call("users.self")).profile;
    const avatarBase64 = Buffer.from("<script>").toString("base64");
    const { avatarRevision } = await admin.call("users.setAvatar", { profileId, mime: "image/png", avatarBase64 });
    const answer = await get(`/api/users/${profileId}/avatar`, bearer(gateway.token));
    expect(await answer.text()).toBe("<script>");
    expect(answer.headers.get("content-type")).toBe("image/png");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("content-security-policy")).toContain("script-src 'self'");
    expect(answer.headers.get("etag")).toBe(`"${avatarRevision}"`);
    const again = { ...bearer(gateway.token), "if-none-match": `"${avatarRevision}"` };
    expect((await get(`/api/users/${profileId}/avatar`, again)).status).toBe(304);
  });

  test("60: an agent's picture comes out of its workspace alone", async () => {
    const workspace = join(folder, "workspace");
    mkdirSync(workspace, { recursive: true });
    writeFileSync(join(workspace, "me.png"), "picture");
    writeFileSync(join(folder, "other.png"), SECRET);
    for (const [avatar, expected] of [
      ["me.png", "picture"],
      ["../other.png", "Not Found"],
      [join(folder, "other.png"), "Not Found"],
    ]) {
      const other = await startTestGateway({
        config: {
          gateway: { controlUi: { root: join(folder, "root") } } as never,
          agents: { list: [{ id: "main", workspace, identity: { avatar } }] } as never,
        },
      });
      const answer = await get("/avatar/main", bearer(other.token), other);
      expect(await answer.text()).toBe(expected!);
      if (answer.ok) {
        expect(answer.headers.get("content-type")).toBe("image/png");
        const config = await get("/control-ui-config.json", bearer(other.token), other);
        expect(await config.json()).toMatchObject({ assistantAvatar: "/avatar/main", assistantAvatarStatus: "local" });
      }
      await other.stop();
    }
  });

  test("the page itself may open a socket from its own origin", async () => {
    const client = await gateway.open({ headers: { Origin: gateway.httpUrl } });
    const hello = await client.hello({
      client: { ...CONTROL_UI },
      identity: new TestDevice(),
      auth: { token: gateway.token },
    });
    expect(hello).toBeDefined();
  });
});
