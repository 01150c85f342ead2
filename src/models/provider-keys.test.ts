import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { environment } from "./credentials.ts";
import { environmentKeys } from "./provider-keys.ts";
import { ableModel, askModel, modelsOf } from "./testing/models.ts";
import { type Act, startWireServer, type WireCall } from "./testing/wire-server.ts";

const good: Act = { do: "say", said: { text: "Good day." } };
let script: (call: WireCall) => Act = () => good;
const server = startWireServer((call) => script(call));
afterAll(() => server.close());
beforeEach(() => {
  script = () => good;
});

describe("the keys of a provider in the environment", () => {
  const keysOf = (provider: string, known: string[] | undefined, env: Record<string, string>, configured = {}) =>
    environmentKeys(provider, known, environment(env, configured));

  test("come in upstream's order, each once", () => {
    const env = {
      OPENAI_API_KEY_10: "ten",
      OPENAI_API_KEY_2: "two",
      OPENAI_API_KEY_1: "primary",
      OPENAI_API_KEY: "primary",
      OPENAI_API_KEYS: "first, second;third  first",
    };
    expect(keysOf("openai", ["OPENAI_API_KEY"], env)).toEqual(["first", "second", "third", "primary", "two", "ten"]);
  });

  test("are one alone where a live key is set", () => {
    const env = { OPENCLAW_LIVE_GEMINI_KEY: "live", GEMINI_API_KEYS: "a,b", GOOGLE_API_KEY: "c" };
    expect(keysOf("google", ["GEMINI_API_KEY", "GOOGLE_API_KEY"], env)).toEqual(["live"]);
  });

  test("end with the provider's other variables", () => {
    const env = { GOOGLE_API_KEY: "c", GEMINI_API_KEY_1: "b", GEMINI_API_KEY: "a" };
    expect(keysOf("google", ["GEMINI_API_KEY", "GOOGLE_API_KEY"], env)).toEqual(["a", "b", "c"]);
  });

  test("are named after a provider that the catalogue does not know, also in the configuration's variables", () => {
    expect(keysOf("my-own", undefined, { MY_OWN_API_KEYS: "a" }, { MY_OWN_API_KEY_1: "b" })).toEqual(["a", "b"]);
  });

  test("are no paths of files", () => {
    expect(keysOf("openai", ["OPENAI_API_KEY"], { OPENAI_API_KEY_FILE: "/run/secrets/key" })).toEqual([]);
  });
});

describe("a call with several keys", () => {
  const provider = (over: object = {}) => ({
    models: {
      providers: { mine: { baseUrl: server.baseUrl("openai-completions"), models: [ableModel("m")], ...over } },
    },
  });
  const ask = async (env: Record<string, string>, over: object = {}) => {
    const from = server.calls.length;
    const outcome = await askModel(modelsOf(provider(over), env), "mine/m");
    return { ...outcome, keys: server.calls.slice(from).map(({ key }) => key) };
  };
  const refuse = (status: number, ...keys: string[]) => {
    script = ({ key }) => (keys.includes(key!) ? { do: "refuse", status, message: `no, ${key}` } : good);
  };

  test("goes on with the next one at a rate limit", async () => {
    refuse(429, "key-a", "key-b");
    const { keys, text } = await ask({ MINE_API_KEYS: "key-a,key-b", MINE_API_KEY_1: "key-c" });
    expect(keys).toEqual(["key-a", "key-b", "key-c"]);
    expect(text).toBe("Good day.");
  });

  test.each([[401], [402], [500]])("ends at HTTP %d with the first", async (status) => {
    refuse(status, "key-a");
    const { keys, error } = await ask({ MINE_API_KEYS: "key-a,key-b" });
    expect(keys).toEqual(["key-a"]);
    expect(error.facts.status).toBe(status);
  });

  test("fails with the last key's error, and shows none of them", async () => {
    refuse(429, "key-a", "key-b");
    const { keys, error } = await ask({ MINE_API_KEYS: "key-a,key-b" });
    expect(keys).toEqual(["key-a", "key-b"]);
    expect(error.facts).toMatchObject({ reason: "rate_limit", status: 429 });
    expect(error.message).not.toContain("key-b");
  });

  test("uses the others of the environment only beside a configured key that is one of them", async () => {
    refuse(429, "key-a", "other");
    const env = { MINE_API_KEYS: "key-b", MINE_API_KEY: "key-a" };
    expect((await ask(env, { apiKey: "${MINE_API_KEY}" })).keys).toEqual(["key-a", "key-b"]);
    expect((await ask(env, { apiKey: "other" })).keys).toEqual(["other"]);
  });

  test("does not go on once something was said", async () => {
    script = () => ({ do: "fail", said: { text: "Half" }, type: "rate_limit_error", message: "rate limit" });
    const { keys, text } = await ask({ MINE_API_KEYS: "key-a,key-b" });
    expect(keys).toEqual(["key-a"]);
    expect(text).toBe("Half");
  });

  test("stays with the account that a run signs in with", async () => {
    refuse(429, "key-x");
    const from = server.calls.length;
    const models = modelsOf(provider(), { MINE_API_KEYS: "key-a,key-b" });
    await askModel(models, "mine/m", { credential: { key: "key-x", bearer: false } });
    expect(server.calls.slice(from).map(({ key }) => key)).toEqual(["key-x"]);
  });
});
