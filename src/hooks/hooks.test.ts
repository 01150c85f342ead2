import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../platform/clock.ts";
import { HOOK_TOKEN, type HooksGateway, startHooksGateway, woken } from "./testing.ts";

let gateway: HooksGateway;
afterEach(() => gateway?.stop());

describe("an agent hook", () => {
  test("runs in a session of its own, and the answer is told in the main session", async () => {
    gateway = await startHooksGateway();
    const from = gateway.client.frames.length;
    const { body } = await gateway.hook("/hooks/agent", {
      message: "the import is done",
      name: "Import",
      waitForCompletion: true,
    });
    expect(body.completion).toEqual({
      status: "ok",
      replyDisposition: "visible",
      delivered: false,
      deliveryAttempted: false,
    });
    expect((await woken(gateway, from)).payload).toMatchObject({ status: "skipped" });
    expect(gateway.asked()).toContain("> Hook Import: echo: ");
    const { sessions } = await gateway.client.call("sessions.list", {});
    const own = sessions.find(({ key }: { key: string }) => /^agent:main:hook:[0-9a-f-]{36}$/.test(key));
    expect(own).toMatchObject({ classification: "hook", isBackground: true });
  });

  test("that fails says so, and one that nobody waits for is answered at once", async () => {
    gateway = await startHooksGateway();
    const from = gateway.client.frames.length;
    const { status, body } = await gateway.hook("/hooks/agent", {
      message: "FAIL:401 no",
      name: "Broken",
      deliver: false,
    });
    expect([status, Object.keys(body)]).toEqual([200, ["ok", "runId"]]);
    await woken(gateway, from);
    expect(gateway.asked()).toContain("> Hook Broken (error): ");
  });

  test("says truthfully that nothing carries its answer to a channel", async () => {
    gateway = await startHooksGateway(
      { mappings: [{ match: { path: "last" }, name: "Ci", messageTemplate: "{{x}}" }] },
      { config: { channels: { telegram: { botToken: "1:a" } } } as never },
    );
    const from = gateway.client.frames.length;
    const direct = { message: "m", channel: "telegram", to: "1", waitForCompletion: true, wakeMode: "next-heartbeat" };
    const { body } = await gateway.hook("/hooks/agent", direct);
    expect(body.completion).toMatchObject({
      status: "ok",
      delivered: false,
      deliveryAttempted: false,
      deliveryError: "delivery-failed",
    });
    expect((await gateway.hook("/hooks/last", { x: "y" })).status).toBe(200);
    await woken(gateway, from);
    expect(gateway.asked()).toContain("> Hook Ci (error): No channel is configured");
  });

  test("of a persistent session goes on where it was", async () => {
    gateway = await startHooksGateway({ allowRequestSessionKey: true, allowedSessionKeyPrefixes: ["hook:"] });
    const say = (message: string) =>
      gateway.hook("/hooks/agent", {
        message,
        sessionMode: "persistent",
        sessionKey: "hook:p",
        deliver: false,
        waitForCompletion: true,
      });
    await say("the first thing");
    await say("the second thing");
    expect(gateway.asked()).toContain("the first thing");
    // The history, too, shows it as somebody's words.
    expect(gateway.asked().match(/<<<EXTERNAL_UNTRUSTED_CONTENT id="[0-9a-f]{16}">>>/g)).toHaveLength(2);
  });

  test("waits for one of the same session key that is at work", async () => {
    gateway = await startHooksGateway({ defaultSessionKey: "hook:one" });
    const first = gateway.hook("/hooks/agent", { message: "SLOW:4 a b c", deliver: false, waitForCompletion: true });
    await gateway.client.event("agent", ({ stream }) => stream === "lifecycle");
    const second = await gateway.hook("/hooks/agent", { message: "next", deliver: false });
    expect(second.status).toBe(200);
    const { startedAt } = await gateway.client.call("agent.wait", { runId: second.body.runId });
    const { endedAt } = await gateway.client.call("agent.wait", { runId: (await first).body.runId });
    expect(startedAt).toBeGreaterThanOrEqual(endedAt);
  });
});

describe("an idempotency key", () => {
  test("gives the same run again, also after a restart and to callers at the same time", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "chela-hooks-"));
    try {
      gateway = await startHooksGateway({}, { stateDir });
      const call = () => gateway.hook("/hooks/agent", { message: "once", deliver: false, idempotencyKey: "k" });
      const answers = await Promise.all([call(), call(), call()]);
      const ids = new Set(answers.map(({ body }) => body.runId));
      expect(ids.size).toBe(1);
      const [runId] = ids;
      expect(await gateway.client.call("agent.wait", { runId })).toMatchObject({ status: "ok" });
      await gateway.stop();
      gateway = await startHooksGateway({}, { stateDir });
      expect((await call()).body.runId).toBe(runId);
      expect(gateway.model.calls).toHaveLength(0);
    } finally {
      await gateway.stop();
      rmSync(stateDir, { recursive: true, force: true });
    }
  });

  test("of a wake leaves the note once", async () => {
    gateway = await startHooksGateway();
    const wake = (text: string, key: string) =>
      gateway
        .hook("/hooks/wake", { text, mode: "next-heartbeat", idempotencyKey: key })
        .then(({ body }) => body.eventOutcome);
    expect(await wake("a", "1")).toBe("queued");
    expect(await wake("b", "2")).toBe("queued");
    expect(await wake("a", "1")).toBe("queued");
    const waiting = await gateway.services.systemEvents.waiting("agent:main:main");
    expect(waiting?.text.match(/^> a$/gm)).toHaveLength(1);
  });
});

describe("a batch", () => {
  test("with items that are refused says what was admitted", async () => {
    gateway = await startHooksGateway({
      allowRequestSessionKey: true,
      allowedSessionKeyPrefixes: ["hook:"],
      mappings: [
        {
          match: { path: "b" },
          forEach: "items",
          messageTemplate: "{{items[0].n}}",
          sessionKey: "{{items[0].k}}",
          deliver: false,
        },
      ],
    });
    const items = [
      { n: 1, k: "hook:a" },
      { n: 2, k: "agent:main:main" },
    ];
    const { status, body } = await gateway.hook("/hooks/b", { items });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      ok: false,
      runIds: [expect.any(String)],
      errors: ["sessionKey must start with one of: hook:"],
    });
  });

  test("is cut at its bound", async () => {
    gateway = await startHooksGateway({
      mappings: [
        {
          match: { path: "b" },
          action: "wake",
          forEach: "items",
          textTemplate: "{{items[0]}}",
          wakeMode: "next-heartbeat",
        },
      ],
    });
    const items = Array.from({ length: 230 }, (_, index) => `note ${index}`);
    expect((await gateway.hook("/hooks/b", { items })).status).toBe(200);
    const waiting = await gateway.services.systemEvents.waiting("agent:main:main");
    expect(waiting?.text).toContain("> note 199");
    expect(waiting?.text).not.toContain("> note 200");
  });
});

test("hooks that are off, or whose secret has no value, are not there", async () => {
  gateway = await startHooksGateway({ enabled: false });
  expect((await gateway.hook("/hooks/wake", { text: "x" })).status).toBe(404);
  await gateway.stop();
  gateway = await startHooksGateway({ token: `\${HOOK_TOKEN_THAT_IS_NOT_SET}` });
  expect(
    (await gateway.hook("/hooks/wake", { text: "x" }, { authorization: `Bearer \${HOOK_TOKEN_THAT_IS_NOT_SET}` }))
      .status,
  ).toBe(404);
});

test("a template that repeats the payload ends at its bound", async () => {
  gateway = await startHooksGateway({ mappings: [{ match: { path: "t" }, messageTemplate: "{{x}}".repeat(20) }] });
  expect((await gateway.hook("/hooks/t", { x: "y".repeat(200_000) })).status).toBe(413);
});

test("sessions that runs had for themselves go after a day; those with a chosen key stay", async () => {
  const clock = new ManualClock();
  gateway = await startHooksGateway({ defaultSessionKey: "hook:chosen" }, { clock });
  const hookKeys = async () => {
    const { sessions } = await gateway.client.call("sessions.list", {});
    return sessions.map(({ key }: { key: string }) => key).filter((key: string) => key.includes(":hook:"));
  };
  const run = (message: string, more: object = {}) =>
    gateway.hook("/hooks/agent", { message, deliver: false, waitForCompletion: true, ...more });
  await run("one");
  await gateway.services.sessions.ensure("agent:main:hook:chosen", { createdVia: "hook" });
  expect(await hookKeys()).toHaveLength(2);
  await gateway.client.call("sessions.subscribe");
  clock.advance(86_400_001);
  const { runId } = (await run("two")).body;
  const gone = ({ sessionKey, reason }: { sessionKey: string; reason?: string }) =>
    reason === "delete" && sessionKey.startsWith("agent:main:hook:");
  await gateway.client.event("sessions.changed", gone, 0);
  expect((await hookKeys()).sort()).toEqual([`agent:main:hook:${runId}`, "agent:main:hook:chosen"].sort());
});

describe("a body", () => {
  test("that does not come in time, or is longer than announced, is not waited for", async () => {
    gateway = await startHooksGateway({ maxBodyBytes: 1000 }, { limits: { hookBodyMs: 50 } });
    expect(await raw('{"text":', { "content-length": "100" })).toContain("HTTP/1.1 408");
    const chunk = `${(2000).toString(16)}\r\n${"x".repeat(2000)}\r\n0\r\n\r\n`;
    expect(await raw(chunk, { "transfer-encoding": "chunked" })).toContain("HTTP/1.1 413");
    expect((await gateway.hook("/hooks/wake", { text: "x".repeat(1000) })).status).toBe(413);
  });

  test("103: that nests too deep is refused in words", async () => {
    gateway = await startHooksGateway({ mappings: [{ match: { path: "deep" }, messageTemplate: "{{a}}" }] });
    const deep = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    for (const path of ["/hooks/deep", "/hooks/agent", "/hooks/wake"]) {
      const { status, body } = await gateway.hook(path, deep);
      expect([status, body]).toEqual([400, { ok: false, error: "the body nests too deep" }]);
    }
    expect((await gateway.hook("/hooks/deep", `{"a":"${"[".repeat(1000)}\\"[","b":[[]]}`)).status).toBe(200);
  });

  test("is read of so many callers at once", async () => {
    gateway = await startHooksGateway({}, { limits: { hookRequestsAtOnce: 1 } });
    const text = JSON.stringify({ text: "x", mode: "next-heartbeat" });
    const headers = { "content-length": String(text.length) };
    const callers = await Promise.all([open(text.slice(0, 5), headers), open(text.slice(0, 5), headers)]);
    const refused = await Promise.race(callers.map(async (caller) => ({ caller, answer: await caller.answer })));
    expect(refused.answer).toContain("HTTP/1.1 503");
    const other = callers.find((caller) => caller !== refused.caller)!;
    other.send(text.slice(5));
    expect(await other.answer).toContain("HTTP/1.1 200");
  });
});

/** Sends a request as bytes and gives what comes back until the connection ends. */
const raw = async (body: string, headers: Record<string, string>): Promise<string> =>
  (await open(body, headers)).answer;

/** Begins a request as bytes. */
async function open(body: string, headers: Record<string, string>) {
  const { promise: answer, resolve } = Promise.withResolvers<string>();
  let got = "";
  const lines = Object.entries({ host: "127.0.0.1", authorization: `Bearer ${HOOK_TOKEN}`, ...headers });
  const head = `POST /hooks/wake HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: gateway.gateway.port,
    socket: {
      open: (opened) => void opened.write(head + body),
      data: (opened, data) => {
        got += data.toString();
        if (got.includes("\r\n\r\n")) opened.end();
      },
      close: () => resolve(got),
    },
  });
  return { answer, send: (rest: string) => void socket.write(rest) };
}
