import type {
  DefenderCheckParams,
  DefenderCheckResult,
  DefenderDecisionsListParams,
  DefenderDecisionsListResult,
  DefenderDecisionsVerifyResult,
  DefenderPolicyGetResult,
  DefenderPolicySetParams,
  DefenderPolicyTestParams,
  DefenderPolicyTestResult,
  DefenderQuarantineEntry,
  DefenderQuarantineGetResult,
  DefenderQuarantineListParams,
  DefenderQuarantineListResult,
  DefenderQuarantinePurgeParams,
  DefenderStatusResult,
} from "../../generated/types.ts";
import type { ConfigPort } from "../config/types.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { stableJson } from "../platform/json.ts";
import { SecretScanner } from "../platform/secrets.ts";
import type { DecisionRecord, DecisionRepository } from "./decision-repository.ts";
import type { Defender } from "./defender.ts";
import { checkedPolicy, PolicyProblem, parsePolicy, versionOf } from "./policy/document.ts";
import type { PolicyFile, PolicyInForce } from "./policy/policy-file.ts";
import { policyOf } from "./policy.ts";
import type { HostKey } from "./records/host-key.ts";
import type { Quarantine } from "./records/quarantine.ts";
import type { Action, ActionContext, ScreenContext } from "./types.ts";

export interface DeskDeps {
  config: Pick<ConfigPort, "current">;
  defender: Defender;
  decisions: DecisionRepository;
  quarantine: Quarantine;
  policy: PolicyFile;
  hostKey: HostKey;
  clock: Clock;
  secrets: () => readonly string[];
}

const PAGE = 50;

/** What people ask of the defender: what it decided and keeps, what it would decide, and the policy it decides by. */
export class DefenderDesk {
  private readonly scanner: SecretScanner;

  constructor(private readonly deps: DeskDeps) {
    this.scanner = new SecretScanner({ values: deps.secrets });
  }

  async status(): Promise<DefenderStatusResult> {
    const { config, defender, quarantine, hostKey } = this.deps;
    const inForce = await this.deps.policy.current();
    const { enabled, auditOnly, profile } = policyOf(config.current, inForce);
    const { counts, failures } = defender.totals;
    return {
      enabled,
      auditOnly,
      profile,
      policy: inForce.source,
      counts: { ...counts },
      failures,
      quarantine: await quarantine.count(),
      hostKeyId: hostKey.id,
    };
  }

  async check({ kind, text, origin, ...about }: DefenderCheckParams): Promise<DefenderCheckResult> {
    const decision = await this.deps.defender.consider(subjectOf(kind, text, { origin, ...about }));
    const { verdict, score, findings } = decision;
    return { verdict, score, findings, ...(decision.text !== undefined && { text: decision.text }) };
  }

  async decisions(params: DefenderDecisionsListParams): Promise<DefenderDecisionsListResult> {
    const { verdict, limit = PAGE, ...query } = params;
    const verdicts = verdict && [verdict];
    const { decisions, next } = await this.deps.decisions.list({ ...query, limit, verdicts });
    return { decisions, ...(next !== undefined && { nextCursor: next }) };
  }

  /** @throws GatewayError when there is none */
  async decision(id: string): Promise<DecisionRecord> {
    const found = await this.deps.decisions.find(id);
    if (found === null) throw notFound("decision");
    return found;
  }

  async verify(): Promise<DefenderDecisionsVerifyResult> {
    const chains = await this.deps.decisions.verify();
    return { ok: chains.every(({ ok }) => ok), chains };
  }

  async quarantined({ limit = PAGE, offset }: DefenderQuarantineListParams): Promise<DefenderQuarantineListResult> {
    const { quarantine } = this.deps;
    return { entries: await quarantine.list(limit, offset), total: await quarantine.count() };
  }

  /** The payload with credentials masked. @throws GatewayError when there is none, or when it cannot be opened */
  async opened(id: string): Promise<DefenderQuarantineGetResult> {
    const found = await this.deps.quarantine.open(id).catch(() => {
      throw new GatewayError("UNAVAILABLE", "the payload cannot be opened with this host's key");
    });
    if (found === null) throw notFound("payload");
    const { payload, ...entry } = found;
    return { entry, payload: this.scanner.redact(payload), truncated: payload.length < entry.chars };
  }

  /** @throws GatewayError when there is none */
  async release(id: string, by: string): Promise<DefenderQuarantineEntry> {
    const entry = await this.deps.quarantine.release(id, by, this.deps.clock.now());
    if (entry === null) throw notFound("payload");
    return entry;
  }

  /** Returns how many. @throws GatewayError unless ids or all of them are meant */
  purge({ ids, all }: DefenderQuarantinePurgeParams): Promise<number> {
    if ((ids === undefined) === (all === undefined)) throw invalidRequest("either ids or all is needed");
    return this.deps.quarantine.purge(ids ?? "all");
  }

  async policy(): Promise<DefenderPolicyGetResult> {
    return shownPolicy(await this.deps.policy.current());
  }

  /** Puts a policy in the place of the file, and in force. @throws GatewayError when it is none, or not the expected one */
  async setPolicy({ document, text, expectedVersion }: DefenderPolicySetParams): Promise<DefenderPolicyGetResult> {
    const { policy } = this.deps;
    const given = await this.given({ document, text });
    if (given?.text === undefined) throw invalidRequest("either document or text is needed");
    const before = await policy.current();
    if (expectedVersion !== undefined && before.version !== expectedVersion) {
      throw invalidRequest("another policy is in force by now", { code: "POLICY_CHANGED", version: before.version });
    }
    if (before.source.source === "bundle") {
      throw invalidRequest("a signed bundle is in force; the file would not count", { code: "POLICY_SIGNED" });
    }
    return shownPolicy(await policy.set(given.text));
  }

  /** What a policy would decide, or the one in force when none is given. @throws GatewayError when it is none */
  async testPolicy(params: DefenderPolicyTestParams): Promise<DefenderPolicyTestResult> {
    const { document, text, kind, subject, ...about } = params;
    const policy = (await this.given({ document, text })) ?? (await this.deps.policy.current());
    const { verdict, score, findings } = await this.deps.defender.consider(subjectOf(kind, subject, about), { policy });
    const decidedBy = findings[0]?.id;
    return { version: policy.version, verdict, score, findings, ...(decidedBy !== undefined && { decidedBy }) };
  }

  /** @throws GatewayError for what is no policy */
  private async given({
    document,
    text,
  }: Pick<DefenderPolicySetParams, "document" | "text">): Promise<PolicyInForce | undefined> {
    if (document === undefined && text === undefined) return undefined;
    if (document !== undefined && text !== undefined) throw invalidRequest("document and text exclude each other");
    try {
      if (text !== undefined) return { ...(await parsePolicy(text)), text, source: NOT_IN_FORCE };
      const written = stableJson(await checkedPolicy(document));
      return { document: document!, version: versionOf(written), text: written, source: NOT_IN_FORCE };
    } catch (error) {
      if (error instanceof PolicyProblem) throw invalidRequest(error.message, { code: "POLICY_INVALID" });
      throw error;
    }
  }
}

const NOT_IN_FORCE = { source: "file", version: "" } as const;

const shownPolicy = ({ source, document, text }: PolicyInForce): DefenderPolicyGetResult => ({
  source,
  document,
  ...(text !== undefined && { text }),
});

const notFound = (what: string): GatewayError => invalidRequest(`there is no such ${what}`, { code: "NOT_FOUND" });

/** What a person wants judged. Commands and addresses are those of an agent in a workspace that is empty. */
function subjectOf(
  kind: DefenderCheckParams["kind"],
  text: string,
  { origin = "channel-stranger", ...about }: Partial<ActionContext>,
): Parameters<Defender["consider"]>[0] {
  if (kind === "prompt" || kind === "outbound") {
    const direction = kind === "prompt" ? "inbound" : "outbound";
    const context: ScreenContext = { ...about, direction, origin };
    return { text, context };
  }
  const action: Action =
    kind === "command"
      ? { kind, command: text, cwd: "/nonexistent/workspace", host: "gateway" }
      : { kind, url: text, method: "GET" };
  return { action, context: { ...about, origin } };
}
