import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ManualClock } from "../../platform/clock.ts";
import type { ProofVersion } from "../../protocol/device-proof.ts";
import { type ConnectSpec, TestDevice, type TestGateway } from "../testing.ts";
import { authOf, CLI, refusal, startProxied } from "./testing.ts";

let gateway: TestGateway;
const clock = new ManualClock();
beforeAll(async () => {
  gateway = await startProxied({}, { clock });
});
afterAll(() => gateway.stop());

const detailsOf = async (spec: ConnectSpec): Promise<unknown> =>
  (await refusal(gateway, { client: CLI, ...spec })).error;

/** A client that signs something of its own. */
async function connectSigning(
  identity: TestDevice,
  sign: (params: Signed, challenge: { nonce: string; ts: number }) => Record<string, unknown>,
  sent: Partial<Signed> = {},
) {
  const client = await gateway.open();
  const signed: Signed = {
    client: { id: "cli", mode: "cli", platform: "linux", version: "1.0.0" },
    role: "operator",
    scopes: ["operator.read", "operator.write"],
    auth: { token: gateway.token },
  };
  const device = sign(signed, client.challenge);
  const answer = await client.request("connect", { minProtocol: 4, maxProtocol: 4, ...signed, ...sent, device });
  return { answer, identity };
}

interface Signed {
  client: Record<string, unknown>;
  role: string;
  scopes: string[];
  auth: Record<string, unknown>;
}

const INVALID = {
  code: "INVALID_REQUEST",
  message: "device signature invalid",
  details: { code: "DEVICE_AUTH_SIGNATURE_INVALID", reason: "device-signature" },
};
const EXPIRED = {
  code: "INVALID_REQUEST",
  message: "device signature expired",
  details: { code: "DEVICE_AUTH_SIGNATURE_EXPIRED", reason: "device-signature-stale" },
};
const OTHER_NONCE = {
  code: "INVALID_REQUEST",
  message: "device nonce mismatch",
  details: { code: "DEVICE_AUTH_NONCE_MISMATCH", reason: "device-nonce-mismatch" },
};
const OTHER_ID = {
  code: "INVALID_REQUEST",
  message: "device identity mismatch",
  details: { code: "DEVICE_AUTH_DEVICE_ID_MISMATCH", reason: "device-id-mismatch" },
};

describe("versions of the signed text", () => {
  test.each(["v3", "v2"] as const)("%s is accepted", async (proofVersion) => {
    const auth = await authOf(gateway, { client: CLI, identity: new TestDevice(), proofVersion });
    expect(auth.deviceToken).toBeString();
  });

  test.each(["v1", "v4", ""])("%j is not", async (version) => {
    const spec = { identity: new TestDevice(), proofVersion: version as ProofVersion };
    expect(await detailsOf(spec)).toEqual(INVALID);
  });

  test("a password is not part of it", async () => {
    const spec = { client: CLI, identity: new TestDevice(), auth: { password: gateway.token } };
    expect((await authOf(gateway, spec)).method).toBe("token");
  });
});

describe("12: the proof belongs to one attempt", () => {
  test.each([
    ["scopes", { scopes: ["operator.read", "operator.admin"] }],
    ["order of scopes", { scopes: ["operator.write", "operator.read"] }],
    ["role", { role: "node" }],
    ["client", { client: { id: "test", mode: "cli", platform: "linux", version: "1.0.0" } }],
    ["mode", { client: { id: "cli", mode: "ui", platform: "linux", version: "1.0.0" } }],
    ["platform", { client: { id: "cli", mode: "cli", platform: "macos", version: "1.0.0" } }],
    ["family", { client: { id: "cli", mode: "cli", platform: "linux", deviceFamily: "Mac", version: "1.0.0" } }],
    ["secret", { auth: { token: "another" } }],
  ] as [string, Partial<Signed>][])("another %s than was signed", async (_name, sent) => {
    const identity = new TestDevice();
    const { answer } = await connectSigning(identity, identity.prove.bind(identity), sent);
    expect(answer.error).toEqual(INVALID);
  });

  test("a proof that was used before, on another socket", async () => {
    const identity = new TestDevice();
    const kept: Record<string, unknown>[] = [];
    const first = await connectSigning(identity, (params, challenge) => {
      kept.push(identity.prove(params, challenge));
      return kept[0]!;
    });
    expect(first.answer.ok).toBe(true);
    const { answer } = await connectSigning(identity, () => kept[0]!);
    expect(answer.error).toEqual(OTHER_NONCE);
  });

  test("a signature over another challenge", async () => {
    const identity = new TestDevice();
    const { answer } = await connectSigning(identity, (params, challenge) => ({
      ...identity.prove(params, { ...challenge, nonce: "another" }),
      nonce: challenge.nonce,
    }));
    expect(answer.error).toEqual(INVALID);
  });

  test("a blank nonce", async () => {
    expect(await detailsOf({ identity: new TestDevice(), device: { nonce: " " } })).toEqual({
      code: "INVALID_REQUEST",
      message: "device nonce required",
      details: { code: "DEVICE_AUTH_NONCE_REQUIRED", reason: "device-nonce-missing" },
    });
  });

  test.each([
    ["not base64", "!!!!"],
    ["too short", "AAAA"],
    ["zeros", Buffer.alloc(64).toString("base64url")],
    ["too long", Buffer.alloc(65).toString("base64url")],
  ])("a signature that is %s", async (_name, signature) => {
    expect(await detailsOf({ identity: new TestDevice(), device: { signature } })).toEqual(INVALID);
  });
});

describe("the key behind the id", () => {
  test.each([
    ["another id", { id: "deadbeef" }],
    ["a key that is too short", { publicKey: "AAAA" }],
    ["a key that is not base64", { publicKey: "not base64 !!" }],
    ["the key of another device", { publicKey: new TestDevice().publicKey }],
  ])("%s", async (_name, device) => {
    expect(await detailsOf({ identity: new TestDevice(), device })).toEqual(OTHER_ID);
  });

  test("an id in capitals", async () => {
    const identity = new TestDevice();
    expect(await detailsOf({ identity, device: { id: identity.id.toUpperCase() } })).toEqual(OTHER_ID);
  });

  test("keys in either base64 are the same device", async () => {
    const identity = new TestDevice();
    const publicKey = Buffer.from(identity.publicKey, "base64url").toString("base64");
    const first = await authOf(gateway, { client: CLI, identity, device: { publicKey } });
    expect(await authOf(gateway, { client: CLI, identity })).toEqual(first);
  });
});

describe("12: clocks that are off", () => {
  const signing = async (offset: number) => {
    const identity = new TestDevice();
    return connectSigning(identity, (params, challenge) =>
      identity.prove(params, challenge, { signedAt: challenge.ts + offset }),
    );
  };

  test.each([0, -110_000, 110_000, -120_000, 120_000])("by %i ms are accepted", async (offset) => {
    expect((await signing(offset)).answer.ok).toBe(true);
  });

  test.each([-120_001, 120_001, -130_000, 130_000, 3_600_000, -3_600_000])("by %i ms are not", async (offset) => {
    expect((await signing(offset)).answer.error).toEqual(EXPIRED);
  });

  test("the time between challenge and connect counts", async () => {
    const client = await gateway.open();
    clock.advance(120_001);
    const error = await client
      .hello({ client: CLI, identity: new TestDevice(), auth: { token: gateway.token } })
      .catch((e) => e);
    expect(error.message).toBe("device signature expired");
  });
});

describe("which is told of several things that are wrong", () => {
  const wrong = { nonce: "another", signature: "AAAA", signedAt: 1 };
  test.each([
    ["the id first", { ...wrong, id: "dead" }, OTHER_ID],
    ["then the time", wrong, EXPIRED],
    ["then the nonce", { nonce: "another", signature: "AAAA" }, OTHER_NONCE],
  ])("%s", async (_name, device, error) => {
    expect(await detailsOf({ identity: new TestDevice(), device })).toEqual(error);
  });

  test("the proof before the secret", async () => {
    const spec = { identity: new TestDevice(), device: { nonce: "another" }, auth: { token: "wrong" } };
    expect(await detailsOf(spec)).toEqual(OTHER_NONCE);
  });
});
