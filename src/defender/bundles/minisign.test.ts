import { expect, test } from "bun:test";
import { generateKey, parsePublicKey, parseSecretKey, publicFileOf, signatureOf, verifySignature } from "./minisign.ts";

/** Made by minisign 0.11: `minisign -G -W`, then `minisign -S -t fixture` over the text. */
const TEXT = Buffer.from("hello policy\n");
const PUBLIC = `untrusted comment: minisign public key 817EC3537CD551BF
RWS/UdV8U8N+gYIXrKXQwwDbOnwrLWALWSxIJZK5rPh9mv1oIbptfiIr
`;
const SECRET = `untrusted comment: minisign encrypted secret key
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAv1HVfFPDfoHopSraHjNGU+Cxa+9pTh9mK0F2JHXby7dqoGLSCJ7zk4IXrKXQwwDbOnwrLWALWSxIJZK5rPh9mv1oIbptfiIrAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
`;
const SIGNATURE = `untrusted comment: signature from minisign secret key
RUS/UdV8U8N+gYDhjl4PAiWnDWcSqZplPPn/Ikq6c6vWTIbpzlk3zw/ZIk8dauONhoEA8rr5C4JscsUaSR+mMP7nDKK77k9DxwA=
trusted comment: fixture
/tjY+cjXPGIdzDWE87ercXFCv7C3/u9FcQZXmTuvXb0VCbOMP5RqfmlW065SY5wiRNXVeykohsrU352teW9jBg==
`;
const KEYS = [parsePublicKey(PUBLIC)];

test("what minisign has made is read and found good", () => {
  expect(KEYS[0]!.id).toBe("817EC3537CD551BF");
  expect(verifySignature(TEXT, SIGNATURE, KEYS)).toEqual({ keyId: "817EC3537CD551BF", comment: "fixture" });
  const secret = parseSecretKey(SECRET);
  expect(publicFileOf(secret)).toBe(PUBLIC);
  // Ed25519 signs the same text in the same way.
  expect(signatureOf(TEXT, secret, "fixture").split("\n").slice(1)).toEqual(SIGNATURE.split("\n").slice(1));
});

const changed = (line: number, change: (text: string) => string): string =>
  SIGNATURE.split("\n")
    .map((text, at) => (at === line ? change(text) : text))
    .join("\n");
const flipped = (text: string, at: number): string =>
  text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
/** The same bytes under the sign of the older kind, which signs the text itself. */
const older = (text: string): string =>
  Buffer.concat([Buffer.from("Ed"), Buffer.from(text, "base64").subarray(2)]).toString("base64");

test.each([
  ["another text", Buffer.from("hello Policy\n"), SIGNATURE, "does not belong"],
  ["a changed signature", TEXT, changed(1, (text) => flipped(text, 40)), "does not belong"],
  ["a changed comment", TEXT, changed(2, () => "trusted comment: fixturf"), "does not belong"],
  ["a changed signature over the comment", TEXT, changed(3, (text) => flipped(text, 9)), "does not belong"],
  ["an unknown key", TEXT, changed(1, (text) => flipped(text, 5)), "unknown key"],
  ["the older kind", TEXT, changed(1, older), "not accepted"],
  ["no trusted comment", TEXT, changed(2, () => "fixture"), "no trusted comment"],
  ["no base64", TEXT, changed(1, () => "???"), "cannot be read"],
  ["nothing", TEXT, "", "cannot be read"],
])("refuses %s", (_name, text, signature, said) => {
  expect(() => verifySignature(text, signature, KEYS)).toThrow(said);
});

test("without keys nothing is good", () => {
  expect(() => verifySignature(TEXT, SIGNATURE, [])).toThrow("unknown key");
});

test("a sealed key opens with its passphrase alone", () => {
  const { id, secretFile, publicFile } = generateKey("correct horse");
  expect(() => parseSecretKey(secretFile)).toThrow("needs its passphrase");
  expect(() => parseSecretKey(secretFile, "wrong")).toThrow("wrong");
  const secret = parseSecretKey(secretFile, "correct horse");
  expect([secret.id, publicFileOf(secret)]).toEqual([id, publicFile]);
  expect(verifySignature(TEXT, signatureOf(TEXT, secret, "c"), [parsePublicKey(publicFile)]).comment).toBe("c");
});

test("a secret key that was damaged, or that costs a machine, is refused", () => {
  const { secretFile } = generateKey("x");
  const bytes = Buffer.from(secretFile.trim().split("\n")[1]!, "base64");
  const damaged = Buffer.from(bytes);
  damaged[80]! ^= 1;
  expect(() => parseSecretKey(damaged.toString("base64"), "x")).toThrow("damaged");
  bytes.writeBigUInt64LE(2n ** 40n, 46);
  expect(() => parseSecretKey(bytes.toString("base64"), "x")).toThrow("too high a cost");
});
