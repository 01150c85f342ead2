import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";
import { resultProblem } from "../protocol/contract.ts";
import { ConfigFolder } from "./testing.ts";

const FIXTURES = join(import.meta.dir, "../../fixtures/config");
const ENV = {
  TELEGRAM_BOT_TOKEN: "1:a",
  DISCORD_TOKEN: "d",
  LAB_KEY: "lab",
  CRON_TOKEN: "cron",
  ELEVENLABS_API_KEY: "el",
};

describe.each([...new Glob("*.json5").scanSync(FIXTURES)].sort())("%s", (name) => {
  test("loads without a warning, all of it in force, and is shown without its secrets", async () => {
    using folder = new ConfigFolder({ "openclaw.json": await Bun.file(join(FIXTURES, name)).text() });
    const config = await folder.load({ env: ENV });
    expect(config.warnings).toEqual([]);
    const shown = config.snapshot();
    expect(resultProblem("config.get", JSON.parse(JSON.stringify(shown)))).toBeNull();
    expect(shown).toMatchObject({ valid: true, issues: [], warnings: [] });
    for (const key of Object.keys(shown.parsed!)) expect(Object.keys(config.current)).toContain(key);
    for (const secret of ["hook-secret-of-this-example", "key-of-a-skill", "t-1"]) {
      expect(JSON.stringify(shown)).not.toContain(secret);
    }
  });
});

test("what another release wrote is kept, whatever it means there", async () => {
  const older = {
    agent: { model: "x", workspace: "~/w" },
    routing: { allowFrom: ["+1"] },
    agents: { list: [{ id: "main", default: true }], defaults: { memorySearch: { enabled: true } } },
    gateway: { token: "t", reload: { mode: "hot", debounceMs: 300 } },
    audio: { transcription: { command: ["whisper"] } },
    identity: { name: "Old" },
  };
  using folder = new ConfigFolder({ "openclaw.json": JSON.stringify(older) });
  const config = await folder.load();
  expect(config.current as unknown).toMatchObject(older);
  expect(config.warnings.map(({ path }) => path)).toEqual([
    "agent",
    "routing",
    "agents.defaults.memorySearch",
    "gateway.token",
    "gateway.reload.mode",
    "gateway.reload.debounceMs",
    "audio",
    "identity",
  ]);
});
