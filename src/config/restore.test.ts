import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { loadWithToken } from "../gateway/first-start.ts";
import { restoreClobbered } from "./restore.ts";
import { ConfigFolder } from "./testing.ts";

const GOOD = `{ // mine\n  gateway: { auth: { token: "a-token-of-24-characters!!" }, port: 18999 },\n  ui: { seamColor: "#123456" },\n}\n`;
const NOW = 1_700_000_000_000;

let folder: ConfigFolder;
afterEach(() => folder[Symbol.dispose]());

const path = () => join(folder.folder, "openclaw.json");
const clobbered = () => readdirSync(folder.folder).filter((name) => name.includes(".clobbered."));
const options = () => ({ env: { HOME: folder.folder }, path: path(), stateDir: folder.folder });

describe("a config file that is", () => {
  test.each([
    ["empty", "", "empty"],
    ["blank", " \n\n", "empty"],
    ["full of zeros", "\0".repeat(GOOD.length), "not-json5"],
    ["torn", GOOD.slice(0, 30), "not-json5"],
  ])("%s is replaced by the last good copy and kept aside", (_, text, word) => {
    folder = new ConfigFolder({ "openclaw.json": text, "openclaw.json.last-good": GOOD });
    const restored = restoreClobbered(options(), NOW);
    expect(restored?.reason).toBe(
      `size-drop-vs-last-good:${Buffer.byteLength(GOOD)}->${Buffer.byteLength(text)}, ${word}`,
    );
    expect(readFileSync(path(), "utf8")).toBe(GOOD);
    expect(clobbered()).toEqual(["openclaw.json.clobbered.2023-11-14T22-13-20-000Z"]);
    expect(readFileSync(restored!.keptAs, "utf8")).toBe(text);
    expect(restoreClobbered(options(), NOW)).toBeNull();
  });

  test.each([
    ["edited with a mistake", GOOD.replace("}\n", "\n")],
    ["small but good", "{}"],
    ["replaced by another that lacks what the last one had", "{ gateway: {} }"],
  ])("%s stays as it is", (_, text) => {
    folder = new ConfigFolder({ "openclaw.json": text, "openclaw.json.last-good": GOOD });
    expect(restoreClobbered(options(), NOW)).toBeNull();
    expect(readFileSync(path(), "utf8")).toBe(text);
    expect(clobbered()).toEqual([]);
  });

  test("torn stays so without a good copy, and where it may not be written", () => {
    folder = new ConfigFolder({
      "openclaw.json": "{ a",
      "openclaw.json.last-good": "{ also torn",
      "openclaw.json.bak": "{ gateway: { port: 'x' } }          ",
    });
    expect(restoreClobbered(options(), NOW)).toBeNull();
    folder[Symbol.dispose]();
    folder = new ConfigFolder({ "openclaw.json": "", "openclaw.json.last-good": GOOD });
    expect(restoreClobbered({ ...options(), env: { OPENCLAW_CONFIG_READONLY: "1" } }, NOW)).toBeNull();
    expect(existsSync(`${path()}.last-good`)).toBe(true);
  });

  test("torn is found again in a backup; only the newest clobbered ones are kept", () => {
    folder = new ConfigFolder({ "openclaw.json": "", "openclaw.json.last-good": "", "openclaw.json.bak": GOOD });
    for (let i = 0; i < LIMITS.configClobbered + 3; i++) {
      folder.write("openclaw.json", "");
      expect(restoreClobbered(options(), NOW + i * 1000)?.from).toBe(`${path()}.bak`);
    }
    expect(clobbered()).toHaveLength(LIMITS.configClobbered);
  });
});

test("a start with a torn file goes on with the last good one, and says so", async () => {
  folder = new ConfigFolder({ "openclaw.json": "{ gate", "openclaw.json.last-good": GOOD });
  const { config, restored } = await loadWithToken(options());
  expect(config.current.gateway.port).toBe(18999);
  expect(restored?.reason).toContain("not-json5");
  expect(config.reload.restored).toContain("not-json5");
  expect(config.snapshot().warnings).toEqual([
    expect.objectContaining({ path: "", message: expect.stringContaining("was clobbered") }),
  ]);
  config.refresh();
  expect(config.reload.restored).toContain("not-json5");
});
