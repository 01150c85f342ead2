import { describe, expect, test } from "bun:test";
import { readCases, readRecords } from "./cases.ts";
import { deviceIdentity } from "./device.ts";
import { Normaliser } from "./normalise.ts";
import { judge, readExceptions } from "./scope.ts";
import { Variables } from "./variables.ts";

const cases = await readCases();
const records = await readRecords();

/** A reference as cases write it. */
const ref = (name: string): string => `\${${name}}`;

describe("recordings", () => {
  test("have one answer for each case, and no id twice", () => {
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
    expect([...records.keys()].sort()).toEqual(cases.map(({ id }) => id).sort());
  });

  test("recorded something for each case", () => {
    expect([...records.values()].filter(({ harnessError }) => harnessError !== undefined)).toEqual([]);
  });

  test("name no machine, no secret and no run", () => {
    const text = JSON.stringify([...records.values()]);
    const patterns = [
      /\/(?:home|root|work|Users)\//,
      /\b[0-9a-f]{64}\b/,
      /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/,
      /\beyJ[\w-]{30}/,
    ];
    for (const pattern of patterns) expect(text.match(pattern)?.[0]).toBeUndefined();
  });

  test("have exceptions that name cases", async () => {
    expect(judge(cases, { exceptions: await readExceptions() }).size).toBe(cases.length);
  });
});

test("a device has the same identity everywhere", () => {
  const { id, publicKey } = deviceIdentity("op-a");
  expect(id).toMatch(/^[0-9a-f]{64}$/);
  expect(Buffer.from(publicKey, "base64url").length).toBe(32);
  expect(deviceIdentity("op-a").id).toBe(id);
  expect(deviceIdentity("op-b").id).not.toBe(id);
});

test("variables are filled in by value where they stand alone, as text elsewhere", () => {
  const variables = new Variables("secret");
  variables.save({ number: "/a/0", object: "/b" }, { a: [7], b: { c: 1 } });
  const filled: unknown = variables.fill<unknown>([
    ref("number"),
    `n${ref("number")}`,
    ref("object"),
    ref("json:object"),
    ref("token"),
    ref("unknown"),
  ]);
  expect(filled).toEqual([7, "n7", { c: 1 }, '{"c":1}', "secret", ref("unknown")]);
  expect(variables.fill(ref("repeat:x:3"))).toBe("xxx");
  expect(Date.parse(variables.fill(ref("iso:+60000")))).toBeGreaterThan(Date.now());
});

test("values that change are replaced, values that matter stay", () => {
  const normaliser = new Normaliser();
  normaliser.learn({
    server: { version: "2026.9.6" },
    snapshot: { stateDir: "/somewhere/person/.openclaw", presence: [{ reason: "self", host: "desk", ip: "10.1.2.3" }] },
  });
  const value = {
    id: "0af76519-16cd-43dd-8448-eb211c80319c",
    at: 1_764_000_000_000,
    durationMs: 12,
    path: "/somewhere/person/.openclaw/x",
    version: "2026.9.6",
    host: "desk",
    hash: "abc",
    deviceId: deviceIdentity("op-a").id,
    stateVersion: { presence: 4 },
    lines: ["a", "b"],
    description: "a description that is longer than a label",
    count: 3,
    name: "kept",
  };
  expect(normaliser.value(value)).toEqual({
    id: "<uuid>",
    at: 1_700_000_000_000,
    durationMs: 0,
    path: "<home>/.openclaw/x",
    version: "<version>",
    host: "<host>",
    hash: "<hash>",
    deviceId: "<device:op-a>",
    stateVersion: { presence: 0 },
    lines: ["<line>"],
    description: "<text>",
    count: 3,
    name: "kept",
  });
});
