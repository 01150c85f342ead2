import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { METHODS, type MethodSpec } from "../../generated/methods.ts";
import { Samples } from "../../scripts/codegen/samples/read.ts";
import { useTemporaryHome } from "../platform/testing-home.ts";
import { Chance, HOSTILE_FRAMES, HOSTILE_JSON, INTERNALS, spoiled } from "./fuzzing.ts";
import { startTestGateway, type TestClient, type TestGateway } from "./testing.ts";

const ROOT = join(import.meta.dir, "..", "..");
const SEED = 20_260_926;
const SPOILED_PER_METHOD = 40;
/** Methods that answer when something has happened, which here may be never. */
const WAITING: ReadonlySet<string> = new Set(["agent.wait"]);
const SPECS = Object.values(METHODS as Readonly<Record<string, MethodSpec>>);
const samples = new Samples(ROOT);

useTemporaryHome();
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
// `stop` also throws when any answer or event meanwhile broke its contract.
afterAll(() => gateway.stop());

const requestText = (id: string, method: string, params: string): string =>
  `{"type":"req","id":${JSON.stringify(id)},"method":${JSON.stringify(method)},"params":${params}}`;

/** Sends requests one after the other and checks that each is answered, once, without a word about the inside. */
async function sendAll(client: TestClient, spec: Pick<MethodSpec, "name" | "twoPhase">, params: readonly string[]) {
  const ids = params.map((_, i) => `${spec.name}#${i}`);
  for (const [i, id] of ids.entries()) {
    client.send(requestText(id, spec.name, params[i]!));
    if (!WAITING.has(spec.name)) await client.answer(id);
  }
  // What suspends the gateway has done so: it is to answer the rest, too.
  for (const { payload } of client.frames.slice()) {
    if (payload?.suspensionId) await client.request("gateway.suspend.resume", { suspensionId: payload.suspensionId });
  }
  // A method answered after these has had its turn: a second answer would be here by now.
  await client.call("health");
  const answers = client.frames.filter((frame) => frame.type === "res");
  for (const [i, id] of ids.entries()) {
    const own = answers.filter((frame) => frame.id === id);
    const least = WAITING.has(spec.name) ? 0 : 1;
    const most = spec.twoPhase && own[0]?.ok ? 2 : 1;
    expect({ params: params[i], answers: own.length >= least && own.length <= most }).toEqual({
      params: params[i],
      answers: true,
    });
    for (const { error } of own) if (error) expectPlain(error, params[i]!);
  }
}

/** Upstream's words for text that is no JSON5, jobs that cannot be, and what is not there, about what the caller sent. */
const UPSTREAMS_WORDS =
  /SyntaxError: JSON5: |[A-Za-z]*Error: (?=cron job agent|isolated cron jobs|Channel is required|Poll |maxSelections|durationSeconds|Telegram bot token|Delivering to|Unknown account|Multiple agents|to required|Realtime |No realtime|Unknown Talk|voice session|repository does not exist|unknown active worktree|worktree [\s\S]* is not restorable|not a git checkout|No active voice|Voice change|TTS model|speech provider)/g;

/** The names of fields, as a validator tells where something is wrong: `at /patch/state/streamError: `. */
const FIELDS = /\bat (?:\/\w+)+: /g;

/** An error shows nothing of the program or the machine, except what the caller sent. */
function expectPlain(error: { code: string; message: string }, sent: string): void {
  const text = JSON.stringify(error).replace(UPSTREAMS_WORDS, "").replace(FIELDS, "");
  if (INTERNALS.test(text) && !INTERNALS.test(sent)) throw new Error(`an error shows internals: ${text}`);
  for (const place of [ROOT, gateway.stateDir]) expect(text).not.toContain(place);
  expect(text.length).toBeLessThan(150_000);
}

describe("hostile params", () => {
  for (const spec of SPECS) {
    const base = samples.of(samples.methods[spec.name]!.params).valid;
    test(`${spec.name} answers each of them once`, async () => {
      const client = await gateway.connect();
      const chance = new Chance(SEED + spec.name.length);
      const params = [
        ...HOSTILE_JSON,
        ...Array.from({ length: SPOILED_PER_METHOD }, () => spoiled(chance.pick(base), chance)),
      ];
      await sendAll(client, spec, params);
      client.close();
    });
  }

  test("41: names that every object has are no methods", async () => {
    const client = await gateway.connect();
    for (const method of ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", "__defineGetter__"]) {
      const { error } = await client.request(method, {});
      expect(error).toEqual({ code: "INVALID_REQUEST", message: `unknown method: ${method}` });
    }
  });

  test("41: keys of prototypes in params change no object", () => {
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(Object.keys(Array.prototype)).toEqual([]);
  });
});

describe("hostile frames", () => {
  test.each([
    ["before hello", false],
    ["after hello", true],
  ])("%s: the socket ends or stays, the gateway serves the next one", async (_when, afterHello) => {
    for (const frame of HOSTILE_FRAMES) {
      const client = afterHello ? await gateway.connect() : await gateway.open();
      client.send(frame);
      if (afterHello) await client.call("health");
      else expect([1000, 1008, 1009]).toContain((await client.ended()).code);
      for (const { error } of client.frames) if (error) expectPlain(error, frame);
      client.close();
    }
    const witness = await gateway.connect();
    expect((await witness.call("health")).ok).toBe(true);
  });

  test("random bytes, as text and as binary", async () => {
    const chance = new Chance(SEED);
    const client = await gateway.connect();
    for (let i = 0; i < 300; i++) {
      const bytes = Uint8Array.from({ length: 1 + chance.below(200) }, () => chance.below(256));
      client.send(chance.next() < 0.5 ? bytes : new TextDecoder().decode(bytes));
    }
    expect((await client.call("health")).ok).toBe(true);
    const answers = client.frames.filter((frame) => frame.type === "res" && !frame.ok);
    for (const { error } of answers) expectPlain(error, "");
  });

  test("mutated requests: one answer each, under their own id or none", async () => {
    const chance = new Chance(SEED + 1);
    const client = await gateway.connect();
    const whole = requestText("m", "status", "{}");
    for (let i = 0; i < 500; i++) {
      const at = chance.below(whole.length);
      const cut = chance.below(4);
      const put = chance.pick(["", '"', "{", "}", "\\", ",", ":", "[", "\u0000", "1", "\ud800"]);
      client.send(whole.slice(0, at) + put + whole.slice(at + cut));
    }
    expect((await client.call("health")).ok).toBe(true);
    const answers = client.frames.filter((frame) => frame.type === "res" && frame.id !== "r1" && frame.id !== "r2");
    expect(answers.length).toBeLessThanOrEqual(500);
    for (const { error } of answers) if (error) expectPlain(error, "");
  });

  test("ids of any kind come back as they were", async () => {
    const client = await gateway.connect();
    for (const id of ["__proto__", "constructor", "\u202e", "a".repeat(10_000), "\u0000", "💥", "漢"]) {
      client.send(requestText(id, "health", "{}"));
      expect((await client.answer(id)).ok).toBe(true);
    }
  });
});

describe("hostile connects", () => {
  const valid = {
    minProtocol: 4,
    maxProtocol: 4,
    client: { id: "gateway-client", version: "1", platform: "linux", mode: "backend" },
    role: "operator",
    scopes: ["operator.read"],
    caps: ["tool-events"],
    auth: { token: "wrong" },
    device: { id: "d", publicKey: "k", signature: "s", signedAt: 1, nonce: "n" },
    locale: "en",
    userAgent: "x",
  };

  test("each is answered once and closed, none opens", async () => {
    const chance = new Chance(SEED + 2);
    for (let i = 0; i < 150; i++) {
      const client = await gateway.open();
      const params = spoiled(valid, chance);
      client.send(requestText("c", "connect", params));
      await client.ended();
      const answers = client.frames.filter((frame) => frame.type === "res");
      expect({ params, answers: answers.length <= 1 }).toEqual({ params, answers: true });
      for (const { ok, error } of answers) {
        expect(ok).toBe(false);
        expectPlain(error, params);
      }
    }
    expect(gateway.gateway.openConnections().every(({ caller }) => caller?.scopes !== undefined)).toBe(true);
  });
});
