import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { startTestGateway } from "../../gateway/testing.ts";
import { ableModel } from "../testing/models.ts";
import { startWireServer } from "../testing/wire-server.ts";
import { ModelError } from "../types.ts";

/** A token endpoint (RFC 6749): each refresh token works once, and its answer has the next one. */
function startTokenServer() {
  const state = { count: 0, valid: "refresh-0", status: 200, gate: Promise.resolve() as Promise<void> };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const form = new URLSearchParams(await request.text());
      await state.gate;
      if (state.status !== 200) return new Response(null, { status: state.status });
      const isKnown = form.get("grant_type") === "refresh_token" && form.get("refresh_token") === state.valid;
      if (!isKnown || form.get("client_id") !== "client-1")
        return Response.json({ error: "invalid_grant" }, { status: 400 });
      state.count++;
      state.valid = `refresh-${state.count}`;
      return Response.json({ access_token: `access-${state.count}`, refresh_token: state.valid, expires_in: 3600 });
    },
  });
  return { state, tokenUrl: `http://127.0.0.1:${server.port}/token`, close: () => server.stop(true) };
}

let now = Date.parse("2026-11-20T10:00:00Z");
const wire = startWireServer(({ key }) =>
  key?.startsWith("access-") ? { do: "say", said: { text: "Good day." } } : { do: "refuse", status: 401 },
);
const tokens = startTokenServer();
const config = {
  models: { providers: { anthropic: { baseUrl: wire.origin, api: "anthropic-messages", models: [ableModel("m-1")] } } },
} as never;
const gateway = await startTestGateway({ config, clock: { now: () => now } });
const client = await gateway.connect();
const { accounts, models } = gateway.services;
afterAll(async () => {
  await gateway.stop();
  tokens.close();
  await wire.close();
});

beforeEach(async () => {
  Object.assign(tokens.state, { count: 0, valid: "refresh-0", status: 200, gate: Promise.resolve() });
  now += 86_400_000;
  const credential = { access: "access-0", refresh: "refresh-0", expires: now + 600_000, clientId: "client-1" };
  await client.call("models.authPut", {
    profileId: "anthropic:me@example.com",
    credential: { type: "oauth", tokenUrl: tokens.tokenUrl, ...credential },
  });
});

/** What signs the next call in. */
const sign = async () => {
  const model = (await models.resolve("anthropic/m-1"))!;
  const [account] = await accounts.forCall(model, { agentId: "main" });
  return account!.credential();
};

describe("an OAuth account", () => {
  test("uses its token as bearer while it holds", async () => {
    expect(await sign()).toEqual({ key: "access-0", bearer: true });
    expect(tokens.state.count).toBe(0);
  });

  test("is refreshed before its token ends, and the new tokens outlive the process", async () => {
    now += 560_000;
    expect(await sign()).toEqual({ key: "access-1", bearer: true });
    const [stored] = await accounts.profilesOf("main", "anthropic");
    expect(stored!.credential).toMatchObject({ access: "access-1", refresh: "refresh-1", expires: now + 3_600_000 });
    const rows = gateway.services.store.db.query("SELECT credential FROM auth_profiles").all() as {
      credential: string;
    }[];
    expect(rows[0]!.credential).toContain("refresh-1");
  });

  test("spends a refresh token once, however many ask at the same time", async () => {
    now += 3_600_000;
    const keys = await Promise.all([sign(), sign(), sign()]);
    expect(keys.map(({ key }) => key)).toEqual(["access-1", "access-1", "access-1"]);
    expect(tokens.state.count).toBe(1);
  });

  test("still uses a token that holds when the provider cannot refresh it now", async () => {
    now += 560_000;
    tokens.state.status = 503;
    expect(await sign()).toEqual({ key: "access-0", bearer: true });
  });

  test("that is refused must sign in again; the tokens are told to nobody", async () => {
    now += 3_600_000;
    tokens.state.valid = "another";
    const error = await sign().catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ModelError);
    expect(error.facts.reason).toBe("auth");
    expect(error.message).toContain("invalid_grant");
    expect(error.message).not.toMatch(/refresh-|access-/);
  });

  test("that is removed while it is refreshed stays removed", async () => {
    now += 3_600_000;
    const open = Promise.withResolvers<void>();
    tokens.state.gate = open.promise;
    const signing = sign().catch((thrown) => thrown);
    await client.call("models.authLogout", { provider: "anthropic" });
    open.resolve();
    expect(await signing).toBeInstanceOf(ModelError);
    expect(await accounts.profilesOf("main", "anthropic")).toEqual([]);
  });

  test("is shown with its end, and never with its tokens", async () => {
    const status = await client.call("models.authStatus", {});
    expect(status.providers.find((each: { provider: string }) => each.provider === "anthropic")).toMatchObject({
      status: "expiring",
      profiles: [{ profileId: "anthropic:me@example.com", type: "oauth", expiry: { remainingMs: 600_000 } }],
    });
    expect(JSON.stringify(client.frames)).not.toMatch(/access-0|refresh-0/);
  });

  test("may not name a token address that is not encrypted", async () => {
    const credential = { type: "oauth", access: "a", refresh: "r", expires: 5, tokenUrl: "http://example.com/t" };
    const answer = await client.request("models.authPut", { profileId: "anthropic:x", credential });
    expect(answer).toMatchObject({ ok: false, error: { code: "INVALID_REQUEST" } });
  });
});
