import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";

let gateway: TestGateway;
let client: TestClient;
let path: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  client = await gateway.connect();
  const { workspace } = gateway.services.agents.find("main")!;
  mkdirSync(workspace, { recursive: true });
  path = join(workspace, "DREAMS.md");
});
afterAll(() => gateway.stop());

const START = "<!-- openclaw:dreaming:diary:start -->";
const END = "<!-- openclaw:dreaming:diary:end -->";
const OWN = "*November 22, 2026*\n\nI dreamt of sheep.";
const OLD =
  "*November 20, 2026*\n\n<!-- openclaw:dreaming:backfill-entry day=2026-11-20 -->\n\nWhat Happened\n1. Nothing.";

const diaryOf = (...entries: string[]): string =>
  `# Dream Diary\n\n${START}\n${entries.map((entry) => `---\n\n${entry}\n`).join("\n")}${END}\n`;
const call = (name: string, params: object = {}) => client.call(`doctor.memory.${name}`, params);
const base = { agentId: "main", path: "DREAMS.md" };

test("what was made from old notes is taken out, and nothing else", async () => {
  writeFileSync(path, diaryOf(OLD, OWN, OLD.replace("20", "21")));
  expect(await call("resetDreamDiary")).toEqual({ ...base, action: "reset", found: true, removedEntries: 2 });
  expect(readFileSync(path, "utf8")).toBe(diaryOf(OWN));
  expect(await call("resetDreamDiary")).toEqual({ ...base, action: "reset", found: true, removedEntries: 0 });
});

test("of entries that say the same the first stays", async () => {
  writeFileSync(path, diaryOf(OWN, "another", OWN.replace("dreamt of", "dreamt  of")));
  const counts = { removedEntries: 1, dedupedEntries: 1, keptEntries: 2 };
  expect(await call("dedupeDreamDiary")).toEqual({ ...base, action: "dedupeDreamDiary", found: true, ...counts });
  expect(readFileSync(path, "utf8")).toBe(diaryOf(OWN, "another"));
});

test("a diary without entries of this form stays as its owner wrote it, and a link is not followed", async () => {
  const own = "My own diary\n---\nsheep\n---\nsheep\n";
  writeFileSync(path, own);
  expect(await call("dedupeDreamDiary")).toMatchObject({ found: true, removedEntries: 0 });
  expect(readFileSync(path, "utf8")).toBe(own);
  const elsewhere = join(path, "../../elsewhere.md");
  writeFileSync(elsewhere, diaryOf(OLD));
  rmSync(path);
  symlinkSync(elsewhere, path);
  expect(await call("resetDreamDiary")).toMatchObject({ found: false, removedEntries: 0 });
  expect(readFileSync(elsewhere, "utf8")).toBe(diaryOf(OLD));
  rmSync(path);
});

test("needs leave to write, and an agent that is there", async () => {
  const reader = await gateway.connect({ scopes: ["operator.read"] });
  expect((await reader.request("doctor.memory.resetDreamDiary", {})).error.code).toBe("FORBIDDEN");
  const refusal = async (agentId: unknown) =>
    (await client.request("doctor.memory.dedupeDreamDiary", { agentId })).error;
  expect((await refusal("nope")).message).toBe('unknown agent id "nope"');
  expect((await refusal(5)).message).toBe("agentId must be a string");
  expect(await call("dedupeDreamDiary")).toMatchObject({ found: false, keptEntries: 0 });
});
