import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Authorizer } from "./authorizer.ts";
import { ALL_SCOPES, nodeSpec, startTestGateway, type TestGateway } from "./testing.ts";

describe("the first frame", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway();
  });
  afterAll(() => gateway.stop());

  const cases: [name: string, frame: unknown, error: string | null, close: { code: number; reason: string }][] = [
    ["text that is no JSON", "hello", null, { code: 1000, reason: "" }],
    ["empty text", "", null, { code: 1000, reason: "" }],
    ["null", "null", null, { code: 1008, reason: "invalid request frame" }],
    ["a number", "5", null, { code: 1008, reason: "invalid request frame" }],
    ["an array", "[]", null, { code: 1008, reason: "invalid request frame" }],
    ["an empty object", "{}", null, { code: 1008, reason: "invalid request frame" }],
    ["an event", { type: "event", event: "x" }, null, { code: 1008, reason: "invalid request frame" }],
    ["an answer", { type: "res", id: "1", ok: true }, null, { code: 1008, reason: "invalid request frame" }],
    ["no id", { type: "req", method: "connect" }, null, { code: 1008, reason: "invalid request frame" }],
    ["a numeric id", { type: "req", id: 1, method: "connect" }, null, { code: 1008, reason: "invalid request frame" }],
    ["an empty id", { type: "req", id: "", method: "connect" }, null, { code: 1008, reason: "invalid request frame" }],
    [
      "an extra key",
      { type: "req", id: "1", method: "connect", extra: 1 },
      null,
      { code: 1008, reason: "invalid request frame" },
    ],
    [
      "another method",
      { type: "req", id: "1", method: "health" },
      "invalid handshake: first request must be connect",
      { code: 1008, reason: "invalid handshake: first request must be connect" },
    ],
    [
      "connect without params",
      { type: "req", id: "1", method: "connect", params: {} },
      "invalid connect params: must have required property 'minProtocol'",
      { code: 1008, reason: "invalid connect params: must have required property 'minProtocol'" },
    ],
    ["an unknown role", connectFrame({ role: "king" }), "invalid role", { code: 1008, reason: "invalid role" }],
    [
      "only newer wire versions",
      connectFrame({ minProtocol: 5, maxProtocol: 9 }),
      "protocol mismatch",
      { code: 1002, reason: "protocol mismatch" },
    ],
    [
      "an inverted range of wire versions",
      connectFrame({ minProtocol: 9, maxProtocol: 1 }),
      "protocol mismatch",
      { code: 1002, reason: "protocol mismatch" },
    ],
  ];

  test.each(cases)("%s", async (_name, frame, error, close) => {
    const client = await gateway.open();
    client.send(frame);
    expect(await client.ended()).toEqual(close);
    const answers = client.frames.filter(({ type }) => type === "res");
    expect(answers.map((answer) => answer.error.message)).toEqual(error === null ? [] : [error]);
  });

  test("112: a frame above 64 KiB ends the socket with 1009 and no answer", async () => {
    const client = await gateway.open();
    client.send({ type: "req", id: "1", method: "connect", params: { pad: "x".repeat(70_000) } });
    expect(await client.ended()).toEqual({ code: 1009, reason: "" });
    expect(client.frames).toHaveLength(1);
  });

  test("a frame just below 64 KiB is read", async () => {
    const client = await gateway.open();
    client.send({ type: "req", id: "1", method: "connect", params: { pad: "x".repeat(60_000) } });
    const { code } = await client.ended();
    expect(code).toBe(1008);
    expect(client.frames[1]?.error.message).toContain("unexpected property 'pad'");
  });

  test("bytes count, not characters", async () => {
    const client = await gateway.open();
    client.send({ type: "req", id: "1", method: "connect", params: { pad: "ü".repeat(40_000) } });
    expect(await client.ended()).toEqual({ code: 1009, reason: "" });
  });

  test("the challenge comes first, with nonce and time and without seq", async () => {
    const client = await gateway.open();
    const [challenge] = client.frames;
    expect(challenge).not.toHaveProperty("seq");
    const capabilities = ["model-catalog-snapshot"];
    expect(challenge?.payload).toEqual({ nonce: expect.any(String), ts: expect.any(Number), capabilities });
  });

  test("a protocol mismatch says which versions there are", async () => {
    const client = await gateway.open();
    client.send(connectFrame({ minProtocol: 1, maxProtocol: 2 }));
    const answer = await client.answer("1");
    expect(answer.error.details).toEqual({
      code: "PROTOCOL_MISMATCH",
      clientMinProtocol: 1,
      clientMaxProtocol: 2,
      expectedProtocol: 4,
      minimumProbeProtocol: 3,
    });
  });
});

describe("hello", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway();
  });
  afterAll(() => gateway.stop());

  test.each([
    [4, 4, 4],
    [3, 4, 4],
    [1, 99, 4],
    [3, 3, 3],
    [1, 3, 3],
  ])("versions %i to %i give %i", async (minProtocol, maxProtocol, expected) => {
    const client = await gateway.connect({ minProtocol, maxProtocol });
    expect(client.helloPayload.protocol).toBe(expected);
  });

  test("names what is implemented, and the limits", async () => {
    const { helloPayload } = await gateway.connect();
    expect(helloPayload.features.methods).toContain("health");
    expect(helloPayload.features.methods).not.toContain("connect");
    expect(helloPayload.features.methods).not.toContain("desktop.launch");
    expect(helloPayload.policy).toMatchObject({
      maxPayload: 26_214_400,
      maxBufferedBytes: 52_428_800,
      tickIntervalMs: 30_000,
    });
  });

  test("shows administrators paths and auth mode, readers the presence, others neither", async () => {
    const admin = (await gateway.connect()).helloPayload.snapshot;
    expect(admin).toMatchObject({ authMode: "token", stateDir: gateway.stateDir });
    const reader = (await gateway.connect({ scopes: ["operator.read"] })).helloPayload.snapshot;
    expect(reader.presence).toHaveLength(1);
    expect(reader).not.toHaveProperty("configPath");
    const other = (await gateway.connect({ scopes: ["operator.pairing"] })).helloPayload.snapshot;
    expect(other.presence).toEqual([]);
    expect(other).not.toHaveProperty("updateSchedule");
  });

  test("a node gets the subset without what is for pages", async () => {
    const node = await gateway.connect(nodeSpec());
    expect(Object.keys(node.helloPayload).sort()).toEqual(
      ["auth", "features", "policy", "protocol", "server", "snapshot", "type"].sort(),
    );
  });

  test("requests sent behind connect are answered after it", async () => {
    const client = await gateway.open();
    client.send(connectFrame({ auth: { token: gateway.token } }));
    client.send({ type: "req", id: "2", method: "health" });
    client.send({ type: "req", id: "3", method: "health" });
    await client.answer("3");
    expect(client.frames.map(({ id }) => id)).toEqual([undefined, "1", "2", "3"]);
  });

  test("too many requests behind connect end the socket", async () => {
    const wait = () => new Promise<never>(() => {});
    const never: Authorizer = { connect: wait, http: wait, page: wait };
    const strict = await startTestGateway({ authorizer: never, limits: { pipelinedFrames: 2 } });
    const client = await strict.open();
    client.send(connectFrame({ auth: { token: strict.token } }));
    for (let id = 2; id < 6; id++) client.send({ type: "req", id: String(id), method: "health" });
    expect((await client.ended()).code).toBe(1008);
    await strict.stop();
  });

  test("a socket that says nothing is closed with 1000", async () => {
    const impatient = await startTestGateway({ limits: { handshakeTimeoutMs: 20 } });
    const client = await impatient.open();
    expect(await client.ended()).toEqual({ code: 1000, reason: "" });
    await impatient.stop();
  });
});

describe("after hello", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway();
  });
  afterAll(() => gateway.stop());

  test("a second connect is refused and the socket stays", async () => {
    const client = await gateway.connect();
    const answer = await client.request("connect", {});
    expect(answer.error).toEqual({ code: "INVALID_REQUEST", message: "connect is only valid as the first request" });
    expect((await client.call("health")).ok).toBe(true);
  });

  test("unparsable text gets no answer and the socket stays", async () => {
    const client = await gateway.connect();
    const before = client.frames.length;
    client.send("{oops");
    await client.call("health");
    expect(client.frames).toHaveLength(before + 1);
  });

  const invalid: [frame: unknown, id: string | number, problem: string][] = [
    [{ a: 1 }, "invalid", "must have required property 'type'; at root: unexpected property 'a'"],
    [5, "invalid", "must be object"],
    [[], "invalid", "must be object"],
    [{ type: "req", id: 5, method: "health" }, 5, "at /id: must be string"],
    [{ type: "req", id: null, method: "health" }, "invalid", "at /id: must be string"],
    [{ type: "req", id: "", method: "health" }, "", "at /id: must not have fewer than 1 characters"],
    [{ type: "req", id: "2" }, "2", "must have required property 'method'"],
    [{ type: "req", id: "3", method: "" }, "3", "at /method: must not have fewer than 1 characters"],
  ];
  test.each(invalid)("%j is answered under the id %j", async (frame, id, problem) => {
    const client = await gateway.connect();
    client.send(JSON.stringify(frame));
    const answer = await client.until(() => client.frames.find((got) => got.id === id && got.ok === false));
    expect(answer.error).toEqual({ code: "INVALID_REQUEST", message: `invalid request frame: ${problem}` });
  });

  test("a binary frame counts as text", async () => {
    const client = await gateway.connect();
    client.send(new TextEncoder().encode('{"type":"req","id":"b","method":"health"}'));
    expect((await client.answer("b")).ok).toBe(true);
  });

  test("the same id may be used twice", async () => {
    const client = await gateway.connect();
    client.send({ type: "req", id: "same", method: "health" });
    client.send({ type: "req", id: "same", method: "health" });
    expect((await client.answer("same", 1)).ok).toBe(true);
  });

  test("params may be absent or null", async () => {
    const client = await gateway.connect();
    expect((await client.request("status")).ok).toBe(true);
    expect((await client.request("status", null)).ok).toBe(true);
  });

  test("a request of 20 MB is served, 113: one above 25 MiB ends the socket with 1009", async () => {
    const client = await gateway.connect();
    const answer = await client.request("health", { pad: "x".repeat(20_000_000) });
    expect(answer.ok).toBe(true);
    client.send({ type: "req", id: "big", method: "health", params: { pad: "x".repeat(26_300_000) } });
    expect((await client.ended()).code).toBe(1009);
  });
});

function connectFrame(overrides: Record<string, unknown>) {
  const params = {
    minProtocol: 4,
    maxProtocol: 4,
    client: { id: "gateway-client", version: "1", platform: "linux", mode: "backend" },
    role: "operator",
    scopes: ALL_SCOPES,
    ...overrides,
  };
  return { type: "req", id: "1", method: "connect", params };
}
