import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeSpec, type Payload, startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";

const DEFAULT_WORDS = ["openclaw", "claude", "computer"];
const SPEECH = {
  tts: {
    provider: "openai",
    providers: { openai: { apiKey: "speech-secret-1", voice: "alloy" } },
    persona: "alf",
    personas: { alf: { label: "Alf", description: "a butler", provider: "openai" }, bea: { label: "Bea" } },
  },
  talk: {
    provider: "openai",
    providers: { openai: { apiKey: "talk-secret-12", voiceId: "x" }, xai: { apiKey: "talk-secret-34" } },
    interruptOnSpeech: true,
  },
  session: { mainKey: "home" },
  ui: { seamColor: "#aabbcc" },
};

let stateDir: string;
let gateway: TestGateway;
let client: TestClient;
beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "chela-voice-"));
  gateway = await startTestGateway({ stateDir });
  client = await gateway.connect();
});
afterAll(async () => {
  await gateway.stop();
  rmSync(stateDir, { recursive: true });
});

/** Starts the gateway again on what it stored. */
async function restart(config: object = {}): Promise<void> {
  await gateway.stop();
  gateway = await startTestGateway({ stateDir, config });
  client = await gateway.connect();
}

describe("voicewake", () => {
  test("starts with the words that upstream's apps know, and routes to the session that is open", async () => {
    expect(await client.call("voicewake.get", { __unexpected: true })).toEqual({ triggers: DEFAULT_WORDS });
    expect(await client.call("voicewake.routing.get")).toEqual({
      config: { version: 1, defaultTarget: { mode: "current" }, routes: [], updatedAtMs: 0 },
    });
  });

  test("tells every reader and node of new words, and keeps them over a restart", async () => {
    const reader = await gateway.connect({ scopes: ["operator.read"] });
    const node = await gateway.connect(nodeSpec());
    const words = [" hey ", "", 3, `${"x".repeat(63)}😀`];
    const triggers = ["hey", "x".repeat(63)];
    expect(await client.call("voicewake.set", { triggers: words })).toEqual({ triggers });
    expect((await reader.event("voicewake.changed")).payload).toEqual({ triggers });
    // A node has heard those before when it came.
    await node.until(() => node.events("voicewake.changed").length === 2);
    expect(node.events("voicewake.changed").map(({ payload }) => payload)).toEqual([
      { triggers: DEFAULT_WORDS },
      { triggers },
    ]);
    await restart();
    expect(await client.call("voicewake.get")).toEqual({ triggers });
  });

  test("keeps 32 words, and the default ones when none is left", async () => {
    const many = Array.from({ length: 40 }, (_, index) => `word ${index}`);
    expect((await client.call("voicewake.set", { triggers: many })).triggers).toEqual(many.slice(0, 32));
    expect(await client.call("voicewake.set", { triggers: [" "] })).toEqual({ triggers: DEFAULT_WORDS });
  });

  test.each([{}, { triggers: "hey" }])("refuses %p", async (params) => {
    const { error } = await client.request("voicewake.set", params);
    expect(error).toEqual({ code: "INVALID_REQUEST", message: "voicewake.set requires triggers: string[]" });
  });
});

describe("talk", () => {
  test("talk.mode tells everyone of the conversation", async () => {
    const reader = await gateway.connect({ scopes: ["operator.read"] });
    const state = await client.call("talk.mode", { enabled: true, phase: "listening" });
    expect(state).toEqual({ enabled: true, phase: "listening", ts: expect.any(Number) });
    expect((await reader.event("talk.mode")).payload).toEqual(state);
    expect(await client.call("talk.mode", { enabled: false })).toMatchObject({ enabled: false, phase: null });
  });

  test("talk.config says nothing of what is not configured", async () => {
    expect(await client.call("talk.config")).toEqual({ config: {} });
  });

  test("talk.catalog promises no engine that is not there", async () => {
    const catalogue = await client.call("talk.catalog");
    expect(catalogue).toMatchObject({ modes: [], realtime: { ready: false }, transcription: { ready: false } });
    expect(catalogue.speech.providers.map(({ id, configured }: Payload) => [id, configured])).toEqual([
      ["openai", false],
      ["xai", false],
    ]);
  });
});

describe("tts", () => {
  test("is off, without a provider, until somebody sets one up", async () => {
    expect(await client.call("tts.status", { __unexpected: true })).toEqual({
      enabled: false,
      auto: "off",
      provider: "",
      persona: null,
      personas: [],
      fallbackProvider: null,
      fallbackProviders: [],
      prefsPath: "chela.sqlite",
      providerStates: [
        { id: "openai", label: "OpenAI", configured: false },
        { id: "xai", label: "xAI", configured: false },
      ],
    });
    expect(await client.call("tts.personas")).toEqual({ active: null, personas: [] });
    expect((await client.call("tts.providers")).active).toBe("");
  });

  test("keeps what was chosen over a restart", async () => {
    expect(await client.call("tts.enable")).toEqual({ enabled: true });
    expect(await client.call("tts.setProvider", { provider: " EDGE " })).toEqual({ provider: "microsoft" });
    await restart();
    expect(await client.call("tts.status")).toMatchObject({ enabled: true, auto: "always", provider: "microsoft" });
    expect(await client.call("tts.disable")).toEqual({ enabled: false });
    expect(await client.call("tts.status")).toMatchObject({ enabled: false, auto: "off", provider: "microsoft" });
  });

  test("refuses providers and personas that nobody knows", async () => {
    for (const params of [{ provider: "ghost" }, { __unexpected: true }, { provider: 1 }]) {
      const { error } = await client.request("tts.setProvider", params);
      expect(error.message).toBe("Invalid provider. Use a registered TTS provider id.");
    }
    const { error } = await client.request("tts.setPersona", { persona: "ghost" });
    expect(error.message).toBe("Invalid persona. Use a configured TTS persona id.");
    expect(await client.call("tts.setPersona", {})).toEqual({ persona: null });
  });
});

describe("with a configuration", () => {
  beforeAll(() => restart(SPEECH));

  test("tts knows its personas, and which provider has a key", async () => {
    expect(await client.call("tts.setPersona", { persona: "BEA" })).toEqual({ persona: "bea" });
    expect(await client.call("tts.setProvider", { provider: "xai" })).toEqual({ provider: "xai" });
    expect(await client.call("tts.status")).toMatchObject({
      provider: "xai",
      persona: "bea",
      personas: [
        { id: "alf", label: "Alf", description: "a butler", provider: "openai" },
        { id: "bea", label: "Bea" },
      ],
      fallbackProvider: "openai",
      fallbackProviders: ["openai"],
      providerStates: [
        { id: "openai", configured: true },
        { id: "xai", configured: false },
      ],
    });
    expect(await client.call("tts.setPersona", { persona: "none" })).toEqual({ persona: null });
    expect(await client.call("tts.personas")).toMatchObject({ active: null, personas: [{ providers: [] }, {}] });
  });

  test("attack 37: talk.config shows a key only to whoever may have it", async () => {
    const reader = await gateway.connect({ scopes: ["operator.read"] });
    const { config } = await reader.call("talk.config");
    const hidden = { apiKey: "__OPENCLAW_REDACTED__", voiceId: "x" };
    expect(config).toEqual({
      talk: {
        agentId: "main",
        provider: "openai",
        providers: { openai: hidden, xai: { apiKey: "__OPENCLAW_REDACTED__" } },
        interruptOnSpeech: true,
        resolved: { provider: "openai", config: hidden },
      },
      session: { mainKey: "home" },
      ui: { seamColor: "#aabbcc" },
    });
    const { error } = await reader.request("talk.config", { includeSecrets: true });
    expect(error).toMatchObject({
      code: "FORBIDDEN",
      message: "missing scope: operator.talk.secrets",
      details: { code: "MISSING_SCOPE", missingScope: "operator.talk.secrets" },
    });
    const pairing = await gateway.connect({ scopes: ["operator.pairing"] });
    expect((await pairing.request("talk.config")).error.message).toBe("missing scope: operator.read");
    const app = await gateway.connect({ scopes: ["operator.read", "operator.talk.secrets"] });
    const full = (await app.call("talk.config", { includeSecrets: true })).config.talk;
    expect(full.resolved.config.apiKey).toBe("talk-secret-12");
    expect(full.providers.openai).toEqual(hidden);
  });

  test("attack 37: no answer of tts holds a key", async () => {
    for (const method of ["tts.status", "tts.providers", "tts.personas", "talk.catalog"]) {
      expect(JSON.stringify(await client.call(method))).not.toContain("secret");
    }
  });
});
