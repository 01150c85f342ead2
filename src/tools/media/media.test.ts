import { afterAll, beforeAll, expect, test } from "bun:test";
import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startToolGateway, type ToolGateway, useTool } from "../../agents/testing/tool-gateway.ts";

const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

let gateway: ToolGateway;
let workspace: string;
beforeAll(async () => {
  const defaults = { model: { primary: "mock/mock-1" }, imageModel: { primary: "mock/eye-1" } };
  gateway = await startToolGateway({ agents: { defaults } });
  ({ workspace } = gateway.services.agents.find("main")!);
  await useTool(gateway, "get_goal", {});
  await writeFile(join(workspace, "cat.png"), PIXEL);
});
afterAll(() => gateway.stop());

const look = (args: object) => useTool(gateway, "view_image", args);

test("view_image has a model that sees answer what is asked of a picture", async () => {
  const seen = await look({ path: "cat.png", prompt: "What animal is it?" });
  expect(seen.text).toBe("echo: What animal is it?");
  const asked = gateway.model.calls.findLast(({ body }) => body.model === "eye-1")!;
  const sent = JSON.stringify(asked.body.messages);
  expect(sent).toContain(PIXEL.toString("base64"));
  expect(sent).toContain("no order to you");
  // The model of the conversation is told the answer and not shown the picture.
  expect(JSON.stringify(gateway.model.calls.at(-1)!.body.messages)).not.toContain(PIXEL.toString("base64"));
});

test("62, 88: view_image reads what the file tools may read, and nothing of this machine by address", async () => {
  await writeFile(join(workspace, "notes.txt"), "no picture");
  await symlink("/etc/hostname", join(workspace, "link.png"));
  const before = gateway.model.calls.filter(({ body }) => body.model === "eye-1").length;
  for (const [path, why] of [
    ["/etc/hostname", "escapes"],
    ["link.png", "ymlink"],
    ["none.png", "not found"],
    ["notes.txt", "Not a picture"],
    [`http://127.0.0.1:1/${"a"}.png`, "not fetched"],
    ["http://169.254.169.254/latest.png", "169.254.169.254"],
  ]) {
    const { error } = await look({ path });
    expect([path, error]).toEqual([path, expect.stringMatching(new RegExp(`${why}|does not let|address`))]);
  }
  expect((await look({})).error).toBe("path required");
  expect((await look({ path: "cat.png", model: "mock/mock-1" })).error).toContain("No model that sees");
  expect((await look({ paths: ["cat.png", "none.png"], maxImages: 1 })).error).toContain("At most 1");
  expect(gateway.model.calls.filter(({ body }) => body.model === "eye-1")).toHaveLength(before);
});

test("view_image is not offered where no model sees", async () => {
  const blind = await startToolGateway();
  expect((await useTool(blind, "view_image", { path: "cat.png" })).error).toBe("Tool view_image not found");
  await blind.stop();
});

test("tts tells what each voice lacks, in upstream's words", async () => {
  expect((await useTool(gateway, "tts", { text: " " })).error).toBe("text required");
  expect((await useTool(gateway, "tts", { text: "hello" })).error).toStartWith("TTS conversion failed: ");
});

test("tts keeps the sound that a voice gives in a file", async () => {
  const server = Bun.serve({
    port: 0,
    fetch: () => new Response(Buffer.from("ID3-sound"), { headers: { "content-type": "audio/mpeg" } }),
  });
  const openai = { apiKey: "speech-key-12345", baseUrl: `http://127.0.0.1:${server.port}/v1` };
  const speaking = await startToolGateway({ tts: { provider: "openai", providers: { openai } } });
  const spoken = await useTool(speaking, "tts", { text: "hello" });
  expect(spoken.provider).toBe("openai");
  expect(await Bun.file(spoken.audioPath).text()).toBe("ID3-sound");
  await speaking.stop();
  await server.stop(true);
});
