import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONFIG_DEFAULTS } from "../../../generated/config.ts";
import { LIMITS } from "../../../generated/limits.ts";
import { ManualClock } from "../../platform/clock.ts";
import { silentLogger } from "../../platform/logger.ts";
import { Store } from "../../store/store.ts";
import type { Action, Finding } from "../types.ts";
import { VirusTotal } from "./guard.ts";
import { ReputationRepository } from "./reputations.ts";

const KEY = "0f".repeat(32);
const DAY = 24 * 60 * 60 * 1000;
const ELF = Buffer.from("7f454c4602010100aabb", "hex");
const ELF_HASH = createHash("sha256").update(ELF).digest("hex");

interface Asked {
  method: string;
  path: string;
  key: string | null;
}

/** A service on this machine that answers with the real one's shapes. */
class Service {
  readonly asked: Asked[] = [];
  answer: (path: string) => Response | Promise<Response> = () => notFound();
  private readonly server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      const path = new URL(request.url).pathname.replace("/api/v3", "");
      this.asked.push({ method: request.method, path, key: request.headers.get("x-apikey") });
      return this.answer(path);
    },
  });
  readonly url = `http://127.0.0.1:${this.server.port}/api/v3`;
  stop(): Promise<void> {
    return this.server.stop(true);
  }
}

const failed = (status: number, code: string) => Response.json({ error: { code, message: "…" } }, { status });
const notFound = () => failed(404, "NotFoundError");
const stats = (malicious: number, more: object = {}) => ({
  malicious,
  suspicious: 0,
  undetected: 20,
  harmless: 60 - malicious,
  timeout: 1,
  "confirmed-timeout": 0,
  failure: 0,
  "type-unsupported": 4,
  ...more,
});

let service: Service;
let store: Store;
let clock: ManualClock;
let stateDir: string;
beforeEach(() => {
  service = new Service();
  stateDir = mkdtempSync(join(tmpdir(), "chela-reputations-"));
  store = Store.open(join(stateDir, "chela.sqlite"));
  clock = new ManualClock();
});
afterEach(async () => {
  await service.stop();
  await store.close();
  rmSync(stateDir, { recursive: true });
});

const says = (malicious: number, more: object = {}, daysAgo = 1) => {
  const last_analysis_date = Math.floor(clock.now() / 1000) - daysAgo * 86_400;
  const attributes = { last_analysis_stats: stats(malicious, more), last_analysis_date, reputation: -3 };
  service.answer = (path) =>
    Response.json({ data: { type: path.startsWith("/files") ? "file" : "url", id: "x", links: {}, attributes } });
};

function guard(settings: object = {}): VirusTotal {
  const virustotal = {
    ...CONFIG_DEFAULTS.security.defender.virustotal,
    apiKey: KEY,
    baseUrl: service.url,
    ...settings,
  };
  const current = { ...CONFIG_DEFAULTS, security: { defender: { ...CONFIG_DEFAULTS.security.defender, virustotal } } };
  return new VirusTotal({
    config: { current } as never,
    reputations: new ReputationRepository(store, LIMITS),
    clock,
    log: silentLogger,
    secrets: () => ["the-gateways-own-key-4711-x9"],
    limits: LIMITS,
  });
}

const PATIENT = { waitMs: 5000 };
const url = (address: string): Action => ({ kind: "url", url: address, method: "GET" });
const file = (content: Buffer): Action => ({ kind: "install", source: "x", path: "a", content });
const judged = async (action: Action, by = guard(PATIENT)): Promise<Finding[]> => by.inspect(action);
const best = async (action: Action, by?: VirusTotal) => (await judged(action, by))[0]?.score ?? 0;

describe("what is asked", () => {
  test("a file by its hash and an address by its id, with the key in the header, and nothing is given", async () => {
    says(0);
    await judged(file(ELF));
    await judged(url("https://example.org/a?page=2#part"));
    const id = Buffer.from("https://example.org/a?page=2").toString("base64url");
    expect(service.asked).toEqual([
      { method: "GET", path: `/files/${ELF_HASH}`, key: KEY },
      { method: "GET", path: `/urls/${id}`, key: KEY },
    ]);
  });

  test.each([
    "https://me:secret@example.org/",
    "http://localhost/",
    "http://10.0.0.1/x",
    "http://[::1]/",
    "http://wiki.internal/",
    "https://example.org/reset?token=abc",
    "https://example.org/x?sig=1",
    "https://example.org/x?a=the-gateways-own-key-4711-x9",
    "https://example.org/d/1A2b3C4d5E6f7G8h9I0jKlMnOpQ/edit",
    "https://example.org/s/0123456789abcdef0123",
    `https://example.org/?q=${"word+".repeat(30)}`,
    "file:///etc/passwd",
    "nonsense",
  ])("never an address that is private or may open something: %s", async (address) => {
    expect(await judged(url(address))).toEqual([]);
    expect(service.asked).toEqual([]);
  });

  test("never a person's own text, and nothing without a key", async () => {
    says(9);
    expect(await judged(file(Buffer.from("a letter")))).toEqual([]);
    expect(await judged(file(ELF), guard({ apiKey: undefined }))).toEqual([]);
    expect(await judged(file(ELF), guard({ enabled: false }))).toEqual([]);
    expect(await judged({ kind: "tool", name: "x", args: {} })).toEqual([]);
    expect(service.asked).toEqual([]);
  });
});

describe("what engines say", () => {
  test.each([
    [0, {}, 1, 0],
    [1, {}, 1, 60],
    [2, {}, 1, 60],
    [3, {}, 1, 90],
    [40, {}, 1, 90],
    [0, { suspicious: 1 }, 1, 40],
    [1, { suspicious: 2 }, 1, 70],
    [9, {}, 400, 72],
    [9, {}, 4000, 63],
    [1, {}, 4000, 42],
  ] as const)("of a file: %d malicious, %j, %d days ago: %d", async (malicious, more, days, score) => {
    says(malicious, more, days);
    expect(await best(file(ELF))).toBe(score);
  });

  test.each([
    [3, 1, 90],
    [3, 90, 68],
    [3, 400, 45],
  ])("of an address: %d malicious, %d days ago: %d", async (malicious, days, score) => {
    says(malicious, {}, days);
    expect(await best(url("https://example.org/"))).toBe(score);
  });

  test("nothing of what they do not know", async () => {
    expect(await judged(file(ELF))).toEqual([]);
    expect(service.asked).toHaveLength(1);
  });
});

describe("the cache", () => {
  test("answers within its time, also after a restart, and what is not known is asked sooner", async () => {
    says(5);
    expect(await best(file(ELF))).toBe(90);
    expect(await best(file(ELF), guard(PATIENT))).toBe(90);
    expect(service.asked).toHaveLength(1);
    service.answer = () => notFound();
    await judged(url("https://example.org/"));
    clock.advance(7 * 60 * 60 * 1000);
    await judged(file(ELF));
    const later = guard(PATIENT);
    await judged(url("https://example.org/"), later);
    await later.settled();
    expect(service.asked.map(({ path }) => path.slice(0, 5))).toEqual(["/file", "/urls", "/urls"]);
  });

  test("an old answer counts while it is renewed, and the new one the next time", async () => {
    says(5);
    expect(await best(file(ELF))).toBe(90);
    clock.advance(2 * DAY);
    says(0);
    const renewing = guard({ waitMs: 1 });
    expect(await best(file(ELF), renewing)).toBe(90);
    await renewing.settled();
    expect(await best(file(ELF), renewing)).toBe(0);
  });

  test("is bounded", async () => {
    const few = new ReputationRepository(store, { reputationRows: 3, reputationAgeMs: 10 * DAY });
    const known = { isKnown: true, malicious: 1, suspicious: 0, clean: 2, analysedAt: null };
    const subject = (i: number) => ({ kind: "file", sha256: `${i}`, id: "" }) as const;
    for (let i = 0; i < 6; i++) await few.keep(subject(i), known, i);
    expect(await few.find(subject(2))).toBeNull();
    expect(await few.find(subject(3))).toEqual({ ...known, fetchedAt: 3 });
    await few.keep(subject(9), known, 11 * DAY);
    expect(await few.find(subject(5))).toBeNull();
  });
});

describe("no decision waits for it", () => {
  test("an answer that comes late counts the next time", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    says(5);
    const late = service.answer;
    service.answer = async (path) => {
      await promise;
      return late(path);
    };
    const hasty = guard({ waitMs: 1 });
    expect(await judged(file(ELF), hasty)).toMatchObject([{ id: "virustotal.unavailable", score: 1 }]);
    resolve();
    await hasty.settled();
    expect(await best(file(ELF), hasty)).toBe(90);
    expect(service.asked).toHaveLength(1);
  });

  test("the same question is asked once at a time", async () => {
    says(5);
    const one = guard(PATIENT);
    const found = await Promise.all([1, 2, 3].map(() => best(file(ELF), one)));
    expect(found).toEqual([90, 90, 90]);
    expect(service.asked).toHaveLength(1);
  });
});

describe("what the key may do", () => {
  const other = (i: number) => url(`https://example.org/${i}`);

  test("four calls a minute, also over a restart", async () => {
    says(0);
    for (let i = 0; i < 6; i++) await judged(other(i));
    expect(service.asked).toHaveLength(4);
    expect(await judged(other(9))).toMatchObject([{ id: "virustotal.unavailable" }]);
    clock.advance(60_001);
    expect(await judged(other(9))).toEqual([]);
  });

  test("so many a day", async () => {
    says(0);
    for (let i = 0; i < 9; i++) {
      await judged(other(i), guard({ ...PATIENT, perDay: 7 }));
      clock.advance(60_001);
    }
    expect(service.asked).toHaveLength(7);
    clock.advance(DAY);
    expect(await judged(other(9), guard({ ...PATIENT, perDay: 7 }))).toEqual([]);
  });

  test.each([
    ["quota", () => failed(429, "QuotaExceededError"), 15],
    ["key", () => failed(401, "WrongCredentialsError"), 60],
    ["outage", () => failed(503, "TransientError"), 1],
    ["something else", () => new Response("<html>"), 1],
    ["no counts", () => Response.json({ data: { attributes: {} } }), 1],
    ["elsewhere", () => Response.redirect("http://127.0.0.1:1/"), 1],
  ] as const)("%s: nobody is asked for a while, and nothing is kept", async (_name, answer, minutes) => {
    service.answer = answer;
    const one = guard(PATIENT);
    expect(await judged(file(ELF), one)).toMatchObject([{ id: "virustotal.unavailable" }]);
    says(5);
    clock.advance(minutes * 60_000 - 1000);
    expect(await judged(file(ELF), one)).toMatchObject([{ id: "virustotal.unavailable" }]);
    expect(service.asked).toHaveLength(1);
    clock.advance(1000);
    expect(await best(file(ELF), one)).toBe(90);
  });

  test("offline", async () => {
    await service.stop();
    expect(await judged(file(ELF))).toMatchObject([{ id: "virustotal.unavailable", score: 1 }]);
  });
});
