import { describe, expect, test } from "bun:test";
import { type BundleBody, readBundle, signBundle } from "./bundle.ts";
import { isHmacBundle, readHmacBundle } from "./hmac-bundle.ts";
import { keyringText, parseKeyring, type RingKey, rotated } from "./keyring.ts";
import { generateKey, parsePublicKey, parseSecretKey } from "./minisign.ts";

const NOW = Date.parse("2026-03-01T00:00:00Z");
const DAY = 86_400_000;

function pair(over: Partial<RingKey> = {}) {
  const { publicFile, secretFile } = generateKey();
  const text = publicFile.trim().split("\n")[1]!;
  const ring: RingKey = { ...parsePublicKey(publicFile), text, isRevoked: false, ...over };
  return { secret: parseSecretKey(secretFile), ring };
}

const BODY: Omit<BundleBody, "format" | "keyId"> = {
  version: 3,
  stage: "full",
  notBefore: "2026-02-01T00:00:00Z",
  notAfter: "2026-04-01T00:00:00Z",
  audience: ["gate-a"],
  policy: { version: 1, profile: "strict" },
};
const OWN = pair();
const signed = (over: Partial<BundleBody> = {}, key = OWN) => signBundle({ ...BODY, ...over }, key.secret);
const read = ({ text, signature }: { text: string; signature: string }, over = {}) =>
  readBundle(text, signature, { keys: [OWN.ring], audience: "gate-a", now: NOW, ...over });

test("a bundle that is signed, meant for the gateway and in its time is read", async () => {
  expect(await read(await signed())).toMatchObject({
    version: 3,
    stage: "full",
    keyId: OWN.ring.id,
    notAfter: Date.parse(BODY.notAfter),
    policy: { profile: "strict" },
  });
  expect((await read(await signed({ audience: ["*"] }), { audience: "gate-b" })).version).toBe(3);
});

test.each<[string, Partial<BundleBody>, object, string]>([
  ["for another gateway", {}, { audience: "gate-b" }, "not meant for this gateway"],
  ["expired", {}, { now: Date.parse(BODY.notAfter) }, "expired"],
  ["of the future", {}, { now: Date.parse(BODY.notBefore) - 1 }, "not hold yet"],
  ["signed by nobody known", {}, { keys: [pair().ring] }, "unknown key"],
  ["signed by a revoked key", {}, { keys: [{ ...OWN.ring, isRevoked: true }] }, "No key of the keyring"],
  ["signed by a key that has ended", {}, { keys: [{ ...OWN.ring, notAfter: NOW }, pair().ring] }, "unknown key"],
  [
    "signed by a key that does not begin yet",
    {},
    { keys: [{ ...OWN.ring, notBefore: NOW + 1 }, pair().ring] },
    "unknown key",
  ],
  ["without a version", { version: 0 }, {}, "format"],
  ["of an unknown stage", { stage: "everywhere" as never }, {}, "format"],
  ["with a date that is none", { notAfter: "soon" }, {}, "not a date"],
  ["without keys at all", {}, { keys: [] }, "No key of the keyring"],
])("refuses one that is %s", async (_name, body, over, said) => {
  expect(read(await signed(body), over)).rejects.toThrow(said);
});

test("refuses one in which a byte was changed, also where that means the same", async () => {
  const { text, signature } = await signed();
  expect(read({ text: text.replace("strict", "relaxed"), signature })).rejects.toThrow("does not belong");
  expect(read({ text: `${text} `, signature })).rejects.toThrow("does not belong");
  const other = await signed({ policy: { version: 1, profile: "relaxed" } });
  expect(read({ text, signature: other.signature })).rejects.toThrow("does not belong");
});

test("no policy that is none is signed", async () => {
  expect(signed({ policy: { version: 1, profile: "lax" as never } })).rejects.toThrow("not right");
});

describe("a keyring", () => {
  test("is written and read again", () => {
    const keys = [pair({ notBefore: NOW, notAfter: NOW + DAY }).ring, pair({ isRevoked: true }).ring];
    expect(parseKeyring(keyringText(keys))).toEqual(
      keys.map((key) => ({ notBefore: undefined, notAfter: undefined, ...key })),
    );
  });

  test.each([
    ["a key twice", keyringText([OWN.ring, OWN.ring]), "twice"],
    ["no list", "keys: 3", "no list"],
    ["an unknown word", `keys: [{ key: ${OWN.ring.text}, untill: x }]`, "untill"],
    ["a bad date", `keys: [{ key: ${OWN.ring.text}, notAfter: soon }]`, "not a date"],
    ["a bad key", "keys: [{ key: abc }]", "cannot be read"],
    ["a revocation that is none", `keys: [{ key: ${OWN.ring.text}, revoked: "yes" }]`, "true or false"],
  ])("with %s is refused", (_name, text, said) => {
    expect(() => parseKeyring(text)).toThrow(said);
  });

  test("in a rotation both keys sign for a while, then the new one alone", async () => {
    const fresh = pair();
    const keys = rotated([OWN.ring], fresh.ring, NOW, 10 * DAY);
    const [before, after] = [await signed(), await signed({ version: 4 }, fresh)];
    for (const bundle of [before, after]) expect((await read(bundle, { keys, now: NOW + DAY })).stage).toBe("full");
    expect(read(before, { keys, now: NOW + 11 * DAY })).rejects.toThrow("unknown key");
    expect((await read(after, { keys, now: NOW + 11 * DAY })).version).toBe(4);
    // What the old key signed ends with it, also for a gateway that goes on running.
    expect((await read(before, { keys, now: NOW + DAY })).notAfter).toBe(NOW + 10 * DAY);
    expect(() => rotated(keys, fresh.ring, NOW, DAY)).toThrow("already");
  });
});

describe("a bundle with a shared key", () => {
  /** The signature is that of the script of the older program, over the same content. */
  const UNSIGNED = {
    version: 2,
    bundleId: "ops-ü",
    keyId: "k-2026",
    signedAt: "2026-02-18T00:00:00Z",
    rolloutStage: "staged",
    policy: {
      reviewThreshold: 25,
      blockThreshold: 55,
      allowedCommandPrefixes: ["git ", "rg "],
      blockedCommandPatterns: ["(?i)rm\\s+-rf"],
      toolPolicies: { gateway: "block" },
      toolRiskBonus: { exec: 40 },
      channelRiskBonus: { Discord: 15 },
    },
  };
  const text = JSON.stringify(
    { ...UNSIGNED, signature: "sha256:65ca096198766addc67aad08ff7294a8c08cffdad13edc6fdb4485beb7143e20" },
    null,
    2,
  );
  const keys = { "k-2026": "policy-secret" };

  test("is read in our words, and what has none is told", async () => {
    expect(isHmacBundle(text)).toBe(true);
    expect(await readHmacBundle(text, keys)).toMatchObject({
      version: 2,
      stage: "staged",
      keyId: "k-2026",
      signedAt: Date.parse(UNSIGNED.signedAt),
      ignored: ["blockedCommandPatterns"],
      policy: {
        thresholds: { review: 25, block: 55 },
        tools: { gateway: { floor: "block" }, exec: { weight: 40 } },
        channels: { discord: { weight: 15 } },
        commands: {
          allow: [
            { program: "git", args: ["**"] },
            { program: "rg", args: ["**"] },
          ],
        },
      },
    });
  });

  test.each([
    ["a changed figure", text.replace("25", "26"), keys, "does not belong"],
    ["another key", text, { "k-2026": "other" }, "does not belong"],
    ["an unknown key id", text, { default: "policy-secret" }, "unknown key k-2026"],
    ["an empty key", text, { "k-2026": "" }, "unknown key"],
  ])("is refused with %s", async (_name, changed, given, said) => {
    expect(readHmacBundle(changed, given as Record<string, string>)).rejects.toThrow(said);
  });
});
