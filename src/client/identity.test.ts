import { afterAll, describe, expect, test } from "bun:test";
import { createPublicKey, verify } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deviceIdOf } from "../protocol/device-proof.ts";
import { DeviceTokens } from "./device-tokens.ts";
import { loadIdentity, loadOrCreateIdentity } from "./identity.ts";

const root = mkdtempSync(join(tmpdir(), "chela-identity-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fresh = (): string => mkdtempSync(join(root, "state-"));
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe("a device identity", () => {
  test("is made once, for its owner alone, and signs", () => {
    const state = fresh();
    expect(loadIdentity(state)).toBeNull();
    const identity = loadOrCreateIdentity(state, 1700000000000);
    expect(loadOrCreateIdentity(state, 1800000000000).id).toBe(identity.id);
    expect(mode(join(state, "identity", "device.json"))).toBe("600");
    expect(mode(join(state, "identity"))).toBe("700");
    expect(identity.id).toBe(deviceIdOf(Buffer.from(identity.publicKey, "base64url")));
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: identity.publicKey }, format: "jwk" });
    expect(verify(null, Buffer.from("text"), key, Buffer.from(identity.sign("text"), "base64url"))).toBe(true);
  });

  test("its file has upstream's fields", () => {
    const state = fresh();
    const { id } = loadOrCreateIdentity(state, 1700000000000);
    const file = JSON.parse(readFileSync(join(state, "identity", "device.json"), "utf8"));
    expect(file).toEqual({
      version: 1,
      deviceId: id,
      publicKeyPem: expect.stringContaining("BEGIN PUBLIC KEY"),
      privateKeyPem: expect.stringContaining("BEGIN PRIVATE KEY"),
      createdAtMs: 1700000000000,
    });
  });

  test("a damaged file is not replaced", () => {
    const state = fresh();
    loadOrCreateIdentity(state, 0);
    const path = join(state, "identity", "device.json");
    writeFileSync(path, "{}");
    expect(() => loadOrCreateIdentity(state, 0)).toThrow("holds no usable device key");
    expect(readFileSync(path, "utf8")).toBe("{}");
  });
});

describe("device tokens", () => {
  const token = { url: "ws://a", role: "operator", scopes: ["operator.read"], token: "t1", issuedAtMs: 1 };

  test("are kept by gateway and role, and forgotten", () => {
    const state = fresh();
    const tokens = new DeviceTokens(state, "d1");
    tokens.remember(token);
    tokens.remember({ ...token, role: "node", token: "t2" });
    tokens.remember({ ...token, token: "t3" });
    expect(mode(join(state, "identity", "device-tokens.json"))).toBe("600");
    expect(new DeviceTokens(state, "d1").find("ws://a", "operator")?.token).toBe("t3");
    expect(tokens.find("ws://a", "node")?.token).toBe("t2");
    expect(tokens.find("ws://b", "node")).toBeUndefined();
    tokens.forget("ws://a", "operator");
    expect(tokens.find("ws://a", "operator")).toBeUndefined();
    expect(tokens.find("ws://a", "node")?.token).toBe("t2");
  });

  test("of another device, or in a file that cannot be read, do not count", () => {
    const state = fresh();
    new DeviceTokens(state, "d1").remember(token);
    expect(new DeviceTokens(state, "d2").find("ws://a", "operator")).toBeUndefined();
    writeFileSync(join(state, "identity", "device-tokens.json"), "{");
    expect(new DeviceTokens(state, "d1").find("ws://a", "operator")).toBeUndefined();
  });

  test("the oldest goes when there are too many", () => {
    const tokens = new DeviceTokens(fresh(), "d1");
    for (let n = 0; n < 70; n++) tokens.remember({ ...token, url: `ws://${n}` });
    expect(tokens.find("ws://5", "operator")).toBeUndefined();
    expect(tokens.find("ws://6", "operator")).toBeDefined();
  });
});
