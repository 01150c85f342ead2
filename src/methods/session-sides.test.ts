import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChatGateway, startChatGateway } from "../agents/testing/chat-gateway.ts";

let home: string;
let gateway: ChatGateway;
beforeAll(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "chela-sides-")));
  gateway = await startChatGateway();
  mkdirSync(join(home, "work"));
  await gateway.client.call("sessions.create", { key: "sides", cwd: join(home, "work") });
});
afterAll(async () => {
  await gateway.stop();
  rmSync(home, { recursive: true });
});

const file = (name: string): string => join(home, "work", name);
const put = async (path: string, content: string, expectedHash: string) =>
  gateway.client.request("sessions.files.set", { sessionKey: "sides", path, content, expectedHash });

test("a file is written when it is still as it was read, and never behind a link", async () => {
  writeFileSync(file("a.txt"), "one");
  const read = await gateway.client.call("sessions.files.get", { sessionKey: "sides", path: "a.txt" });
  const answer = await put("a.txt", "two", read.file.hash);
  expect(answer.payload.file).toMatchObject({ path: "a.txt", kind: "modified", size: 3 });
  expect(readFileSync(file("a.txt"), "utf8")).toBe("two");
  const { error } = await put("a.txt", "three", read.file.hash);
  expect(error.details).toEqual({
    type: "session_file_conflict",
    path: "a.txt",
    currentHash: answer.payload.file.hash,
  });
  writeFileSync(join(home, "outside.txt"), "one");
  symlinkSync(join(home, "outside.txt"), file("link.txt"));
  expect((await put("link.txt", "x", read.file.hash)).error.details.type).toBe("session_file_not_found");
  expect((await put("../outside.txt", "x", read.file.hash)).error.details.type).toBe("session_file_not_found");
  expect(readFileSync(join(home, "outside.txt"), "utf8")).toBe("one");
});

test("a title comes from the utility model alone", async () => {
  const title = async (message: string, agentId = "main"): Promise<string | null> =>
    (await gateway.client.call("sessions.title.prepare", { agentId, message })).title;
  const asked = gateway.model.count;
  expect(await title("plan a trip")).toBeNull();
  expect(gateway.model.count).toBe(asked);
  const { hash } = await gateway.client.call("config.get");
  const raw = JSON.stringify({ agents: { defaults: { utilityModel: "mock/eye-1" } } });
  await gateway.client.call("config.patch", { raw, baseHash: hash });
  expect(await title("plan a trip to Rome, and what to see there when it rains all of the week")).toMatch(
    /^echo: plan a trip .{1,45}\.\.\.$/,
  );
  expect((gateway.model.calls.at(-1)!.body as { model: string }).model).toBe("eye-1");
  expect(await title("FAIL:400 no")).toBeNull();
  expect(await title("/status")).toBeNull();
});
