import { afterAll, describe, expect, test } from "bun:test";
import { ableModel, askModel, modelsOf } from "../testing/models.ts";
import { type Act, startWireServer } from "../testing/wire-server.ts";
import { APIS, type Api } from "../testing/wires.ts";

const KEY = "wire-key-0123456789";
let act: Act;
const server = startWireServer(() => act);
afterAll(() => server.close());

const models = (api: Api, over: object = {}) =>
  modelsOf({
    models: {
      providers: { p: { baseUrl: server.baseUrl(api), api, apiKey: KEY, models: [ableModel("m-1")], ...over } },
    },
  });

/** How a call fails that the server answers so. */
async function failureOf(api: Api, next: Act, over: object = {}) {
  act = next;
  const { error, text, finish } = await askModel(models(api, over), "p/m-1");
  expect(finish).toBeUndefined();
  expect(error.name).toBe("ModelError");
  expect(error.message).not.toContain(KEY);
  return { ...error.facts, message: error.message as string, text };
}

const hello = { text: "Good day" };

describe.each(APIS)("%s", (api) => {
  test.each([
    [401, "auth"],
    [403, "auth"],
    [402, "billing"],
    [404, "model_not_found"],
    [429, "rate_limit"],
    [400, "format"],
    [408, "timeout"],
    [500, "server_error"],
    [502, "server_error"],
    [503, "server_error"],
    [504, "timeout"],
    [529, "overloaded"],
  ])("HTTP %i is %s", async (status, reason) => {
    const failure = await failureOf(api, { do: "refuse", status, message: "not now, says the server" });
    expect(failure).toMatchObject({ provider: "p", model: "m-1", reason, status });
    expect(failure.message).toContain("not now, says the server");
  });

  test("tells how long to wait", async () => {
    const after = (headers: Record<string, string>) => failureOf(api, { do: "refuse", status: 429, headers });
    expect((await after({ "retry-after": "7" })).retryAfterMs).toBe(7000);
    expect((await after({ "retry-after-ms": "1500" })).retryAfterMs).toBe(1500);
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    const { retryAfterMs } = await after({ "retry-after": date });
    expect(retryAfterMs).toBeGreaterThan(3_500_000);
    expect(retryAfterMs).toBeLessThanOrEqual(3_600_000);
    expect((await after({ "retry-after": "soon" })).retryAfterMs).toBeUndefined();
  });

  test("words about money or load win over the status", async () => {
    const refused = (status: number, message: string) => failureOf(api, { do: "refuse", status, message });
    expect((await refused(400, "Your credit balance is too low")).reason).toBe("billing");
    expect((await refused(403, "insufficient credits")).reason).toBe("billing");
    expect((await refused(429, "You exceeded your current quota (insufficient_quota)")).reason).toBe("billing");
    expect((await refused(402, "weekly usage limit exhausted, resets tomorrow")).reason).toBe("rate_limit");
    expect((await refused(503, "The model is overloaded")).reason).toBe("overloaded");
    expect((await refused(400, "Too many concurrent requests")).reason).toBe("rate_limit");
  });

  test("a context that is too long is told as such", async () => {
    const words = [
      "This model's maximum context length is 128000 tokens",
      "prompt is too long: 210000 tokens > 200000 maximum",
      "input token count exceeds the maximum number of input tokens",
      "context length exceeded",
    ];
    for (const message of words) {
      expect((await failureOf(api, { do: "refuse", status: 400, message })).reason).toBe("context_overflow");
    }
    expect((await failureOf(api, { do: "refuse", status: 413, message: "request_too_large" })).reason).toBe(
      "context_overflow",
    );
  });

  test("an error page is no answer", async () => {
    const page = { do: "refuse", status: 502, body: "<html><body>Bad Gateway</body></html>" } as const;
    expect(await failureOf(api, page)).toMatchObject({ reason: "server_error", status: 502 });
  });

  test("an error inside the stream comes after what was said", async () => {
    const failure = await failureOf(api, { do: "fail", said: hello, type: "overloaded_error", message: "Overloaded" });
    expect(failure).toMatchObject({ reason: "overloaded", text: "Good day" });
  });

  test("an answer that breaks off is no answer", async () => {
    expect(await failureOf(api, { do: "break", said: hello })).toMatchObject({ reason: "unavailable" });
    expect(await failureOf(api, { do: "cut", said: hello })).toMatchObject({ reason: "unavailable" });
    expect(await failureOf(api, { do: "raw", text: "" })).toMatchObject({ reason: "unavailable" });
  });

  test("nonsense is no answer", async () => {
    await failureOf(api, { do: "raw", text: 'data: {"unexpected":true}\n\n{"unexpected":true}\n' });
    await failureOf(api, { do: "raw", text: "data: {not json\n\n{not json\n" });
  });

  test("a stream that stalls is given up", async () => {
    const failure = await failureOf(api, { do: "stall", said: hello }, { timeoutSeconds: 0.05 });
    expect(failure).toMatchObject({ reason: "timeout", text: "Good day" });
  });

  test("a slow stream is waited for as long as something comes", async () => {
    act = { do: "say", said: { text: "one two three four five six seven eight" }, delayMs: 15 };
    const { text, error } = await askModel(models(api, { timeoutSeconds: 0.1 }), "p/m-1");
    expect(error).toBeUndefined();
    expect(text).toBe("one two three four five six seven eight");
  });

  test("a caller that stops is told its own reason", async () => {
    act = { do: "stall", said: hello };
    const stop = new AbortController();
    const wish = new Error("enough");
    setTimeout(() => stop.abort(wish), 20);
    const { error } = await askModel(models(api), "p/m-1", { signal: stop.signal });
    expect(error).toBe(wish);
  });

  test("a server that is not there is unavailable", async () => {
    act = { do: "say", said: hello };
    const nobody = models(api, { baseUrl: server.baseUrl(api).replace(/:\d+/, ":9") });
    const { error } = await askModel(nobody, "p/m-1");
    expect(error.facts.reason).toBe("unavailable");
  });
});

test("a connection that is lost in the middle is unavailable", async () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
  const rude = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket) {
        socket.write(`${head}5\r\ndata:\r\n`);
        socket.flush();
        socket.terminate();
      },
    },
  });
  for (const api of APIS) {
    const { error } = await askModel(models(api, { baseUrl: `http://127.0.0.1:${rude.port}` }), "p/m-1");
    expect([api, error.facts?.reason]).toEqual([api, "unavailable"]);
  }
  rude.stop(true);
});

describe("arguments that are no JSON object", () => {
  test.each(["openai-completions", "openai-responses", "anthropic-messages"] as const)("%s", async (api) => {
    for (const args of ['{"path": "a', "[1,2]", '"text"', "{path: a}"]) {
      act = { do: "say", said: { calls: [{ id: "call_1", name: "read", args }] } };
      const { calls, error } = await askModel(models(api), "p/m-1");
      expect(error).toBeUndefined();
      expect(calls).toMatchObject([{ name: "read", arguments: {}, invalid: expect.stringContaining("not") }]);
    }
    act = { do: "say", said: { calls: [{ id: "call_1", name: "read", args: "" }] } };
    expect((await askModel(models(api), "p/m-1")).calls).toMatchObject([{ name: "read", arguments: {} }]);
  });
});
