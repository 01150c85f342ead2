import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { GatewayConfig } from "../../generated/config.ts";
import { startTestGateway, type TestGateway } from "../gateway/testing.ts";

const KEY = "sk-speech-test-0123456789abcdef";
const running: TestGateway[] = [];
const servers: Bun.Server<undefined>[] = [];

afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.stop();
  for (const server of servers.splice(0)) await server.stop(true);
});

interface Asked {
  path: string;
  headers: Headers;
  body: Record<string, unknown>;
}

/** A speech service on loopback, with what it was asked. */
function service(answer: (asked: Asked) => Response | Promise<Response>) {
  const asked: Asked[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const call = { path: pathname + search, headers: request.headers, body: (await request.json()) as Asked["body"] };
      asked.push(call);
      return answer(call);
    },
  });
  servers.push(server);
  return { asked, url: `http://127.0.0.1:${server.port}` };
}

async function start(config: Record<string, unknown>) {
  const gateway = await startTestGateway({ config: config as Partial<GatewayConfig> });
  running.push(gateway);
  return { gateway, client: await gateway.connect() };
}

const openai = (url: string, more = {}) => ({ openai: { apiKey: KEY, baseUrl: `${url}/v1`, ...more } });
const messageOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    (answer) => `answered ${JSON.stringify(answer)}`,
    (error: Error) => error.message,
  );

describe("a service like OpenAI's", () => {
  test("speaks a text, in one clip as base64", async () => {
    const { asked, url } = service(() => new Response("MP3!"));
    const { client } = await start({ tts: { providers: openai(url, { speakerVoice: "cedar", speed: 1.2 }) } });
    expect(await client.call("tts.speak", { text: " good day " })).toEqual({
      audioBase64: Buffer.from("MP3!").toString("base64"),
      provider: "openai",
      outputFormat: "mp3",
      mimeType: "audio/mpeg",
      fileExtension: ".mp3",
    });
    expect(asked[0]!.path).toBe("/v1/audio/speech");
    expect(asked[0]!.headers.get("authorization")).toBe(`Bearer ${KEY}`);
    const { body } = asked[0]!;
    expect(body).toEqual({
      model: "gpt-4o-mini-tts",
      input: "good day",
      voice: "cedar",
      response_format: "mp3",
      speed: 1.2,
    });
  });

  test("speaks into a file that only its owner may read", async () => {
    const { url } = service(() => new Response("OPUS"));
    const { gateway, client } = await start({ tts: { providers: openai(url) } });
    const answer = await client.call("tts.convert", { text: "good day", channel: "telegram" });
    expect(answer).toMatchObject({ provider: "openai", outputFormat: "opus", voiceCompatible: true });
    expect(answer.audioPath.startsWith(gateway.stateDir)).toBe(true);
    expect(readFileSync(answer.audioPath, "utf8")).toBe("OPUS");
    expect(statSync(answer.audioPath).mode & 0o777).toBe(0o600);
  });

  test("takes a voice and a model for one call", async () => {
    const { asked, url } = service(() => new Response("x"));
    const { client } = await start({ tts: { providers: openai(url) } });
    await client.call("tts.convert", { text: "a", provider: "openai", voiceId: "onyx", modelId: "tts-1-hd" });
    expect(asked[0]!.body).toMatchObject({ voice: "onyx", model: "tts-1-hd" });
  });

  test("that fails is named with its status, and nothing that it wrote is shown", async () => {
    const { url } = service(() => new Response(`your key ${KEY} is wrong`, { status: 401 }));
    const { client } = await start({ tts: { providers: openai(url) } });
    const failed = await messageOf(client.call("tts.speak", { text: "a" }));
    expect(failed).toBe("TTS conversion failed: openai: the service answered 401; xai: not configured");
  });

  test("that sends the call elsewhere does not get the key there", async () => {
    const elsewhere = service(() => new Response("x"));
    const { url } = service(() => Response.redirect(`${elsewhere.url}/v1/audio/speech`, 307));
    const { client } = await start({ tts: { providers: openai(url) } });
    expect(await messageOf(client.call("tts.speak", { text: "a" }))).toContain("openai: the service cannot be reached");
    expect(elsewhere.asked).toEqual([]);
  });

  test("that does not stop sending is cut off", async () => {
    const megabyte = new Uint8Array(1024 * 1024);
    const endless = () => new ReadableStream({ pull: (controller) => controller.enqueue(megabyte) });
    const { url } = service(() => new Response(endless()));
    const { client } = await start({ tts: { providers: openai(url) } });
    expect(await messageOf(client.call("tts.speak", { text: "a" }))).toContain("openai: the audio is larger than");
  });
});

test("ElevenLabs speaks with its own voice, key and format", async () => {
  const { asked, url } = service(() => new Response("MP3!"));
  const elevenlabs = { apiKey: KEY, baseUrl: url, speakerVoiceId: "voice/1", voiceSettings: { stability: 0.3 } };
  const { client } = await start({ tts: { provider: "elevenlabs", providers: { elevenlabs } } });
  const answer = await client.call("tts.speak", { text: "good day" });
  expect(answer).toMatchObject({ provider: "elevenlabs", outputFormat: "mp3_44100_128", mimeType: "audio/mpeg" });
  expect(asked[0]!.path).toBe("/v1/text-to-speech/voice%2F1?output_format=mp3_44100_128");
  expect(asked[0]!.headers.get("xi-api-key")).toBe(KEY);
  expect(asked[0]!.body).toMatchObject({
    text: "good day",
    model_id: "eleven_multilingual_v2",
    voice_settings: { stability: 0.3, similarity_boost: 0.75, speed: 1 },
  });
});

test("the next service is asked when the one in force fails", async () => {
  const broken = service(() => new Response("", { status: 500 }));
  const works = service(() => new Response("x"));
  const providers = { ...openai(broken.url), elevenlabs: { apiKey: KEY, baseUrl: works.url } };
  const { client } = await start({ tts: { provider: "openai", providers } });
  expect(await client.call("tts.speak", { text: "a" })).toMatchObject({ provider: "elevenlabs" });
});

test("Talk speaks with its own settings, and what the call says goes before them", async () => {
  const { asked, url } = service(() => new Response("x"));
  const { client } = await start({ talk: { provider: "openai", providers: openai(url, { voiceId: "sage" }) } });
  expect(await client.call("talk.speak", { text: "a" })).toMatchObject({ provider: "openai", voiceCompatible: false });
  await client.call("talk.speak", { text: "a", voiceId: "ash", modelId: "tts-1" });
  expect(asked.map(({ body }) => [body.voice, body.model])).toEqual([
    ["sage", "gpt-4o-mini-tts"],
    ["ash", "tts-1"],
  ]);
});

test("only so many clips are kept as files", async () => {
  const { url } = service(() => new Response("x"));
  const { client } = await start({ tts: { providers: openai(url) } });
  let folder = "";
  for (let count = 0; count < 105; count++) {
    folder = dirname((await client.call("tts.convert", { text: "a" })).audioPath);
  }
  expect(readdirSync(folder)).toHaveLength(100);
});
