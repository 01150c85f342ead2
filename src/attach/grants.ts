import { createHash, randomBytes } from "node:crypto";
import { LIMITS } from "../../generated/limits.ts";
import type { AttachGrantResult, AttachRevokeResult } from "../../generated/types.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import type { SessionsPort } from "../sessions/types.ts";
import type { GrantRepository } from "./grant-repository.ts";

interface GrantDeps {
  repository: GrantRepository;
  sessions: Pick<SessionsPort, "canonicalKey">;
  clock: Clock;
}

/** The variable in which a program that attaches finds its token; it stands in no file and in no argument. */
const VARIABLE = "OPENCLAW_MCP_TOKEN";

/**
 * Leave for a program on this machine to reach one session by the gateway's MCP endpoint, for some time (docs:
 * cli/attach). A grant is bound to its session: nothing that the program sends can name another one.
 */
export class AttachGrants {
  /** `http://host:port` of the gateway; null until it listens. */
  private endpoint: string | null = null;

  constructor(private readonly deps: GrantDeps) {}

  /** Where this machine reaches the gateway from now on. */
  listensAt(url: string): void {
    this.endpoint = url;
  }

  /**
   * `attach.grant`. A session that is not named is the main one; a time to live that is none is an hour (measured on
   * 2026.9.6). @throws GatewayError for a malformed key, and when there are too many grants
   */
  async grant(params: Record<string, unknown>, createdBy: string): Promise<AttachGrantResult> {
    const { repository, sessions, clock } = this.deps;
    if (this.endpoint === null) throw new GatewayError("UNAVAILABLE", "the gateway does not listen yet");
    const { sessionKey: named, ttlMs } = params;
    const sessionKey = sessions.canonicalKey(typeof named === "string" && named.trim() !== "" ? named : "main");
    const token = randomBytes(32).toString("hex");
    const createdAt = clock.now();
    const expiresAtMs = createdAt + timeToLive(ttlMs);
    const isAdded = await repository.add({
      tokenHash: hashOf(token),
      sessionKey,
      createdAt,
      expiresAt: expiresAtMs,
      createdBy,
    });
    if (!isAdded) {
      throw new GatewayError("UNAVAILABLE", `there are ${LIMITS.attachGrants} attach grants already; revoke one first`);
    }
    const server = {
      type: "http",
      url: `${this.endpoint}/mcp`,
      alwaysLoad: true,
      headers: { Authorization: `Bearer \${${VARIABLE}}` },
    };
    return {
      sessionKey,
      token,
      expiresAtMs,
      mcpConfig: { mcpServers: { openclaw: server } },
      env: { [VARIABLE]: token },
    };
  }

  /** `attach.revoke`. @throws GatewayError without a token */
  async revoke({ token }: { token?: unknown }): Promise<AttachRevokeResult> {
    if (typeof token !== "string" || token === "") throw invalidRequest("token is required");
    return { revoked: await this.deps.repository.remove(hashOf(token), this.deps.clock.now()) };
  }

  /** The session that a token gives leave for; null when it gives none, or none any more. */
  async sessionOf(token: string): Promise<string | null> {
    if (!/^[0-9a-f]{64}$/.test(token)) return null;
    return this.deps.repository.sessionOf(hashOf(token), this.deps.clock.now());
  }
}

/** Tokens are looked up by their hash, so how long that takes says nothing of them. */
const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex");

function timeToLive(asked: unknown): number {
  const isTime = typeof asked === "number" && Number.isFinite(asked) && asked > 0;
  return isTime ? Math.ceil(Math.min(asked, LIMITS.attachGrantMaxMs)) : LIMITS.attachGrantMs;
}
