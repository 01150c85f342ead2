import { createHash } from "node:crypto";
import { join } from "node:path";
import type { ExecApprovalsSetParams, ExecApprovalsSnapshot } from "../../generated/types.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Store } from "../store/store.ts";
import { normalisedPolicy } from "./policy-document.ts";

type Database = Parameters<Parameters<Store["read"]>[0]>[0];

export type ExecPolicyDocument = ExecApprovalsSnapshot["file"];

type AllowEntry = NonNullable<NonNullable<ExecPolicyDocument["agents"]>[string]["allowlist"]>[number];
type Modes = NonNullable<ExecPolicyDocument["defaults"]>;

/** What the document says for one agent; what it leaves open is undefined. */
export interface AgentExecPolicy {
  security: Modes["security"];
  ask: Modes["ask"];
  askFallback: Modes["askFallback"];
  allowlist: AllowEntry[];
}

export interface ExecPolicyDeps {
  store: Store;
  clock: Clock;
  stateDir: string;
  /** Where the document is, for people. */
  databasePath: string;
  limits: { execPolicyBytes: number; execPolicyUsedMs: number };
}

/**
 * Which commands this machine runs without asking: one JSON document with defaults, agents and their lists of allowed
 * commands (docs: exec approvals, Settings and storage). A change names the hash of what it was made from, so that
 * nobody undoes what another has changed meanwhile. The socket's token never leaves the gateway.
 */
export class ExecPolicy {
  constructor(private readonly deps: ExecPolicyDeps) {}

  async get(): Promise<ExecApprovalsSnapshot> {
    return this.shown(await this.deps.store.read((db) => stored(db)));
  }

  /** Replaces the document. @throws GatewayError without the current hash, or when the document is too large */
  async set({ file, baseHash }: ExecApprovalsSetParams): Promise<ExecApprovalsSnapshot> {
    const { store } = this.deps;
    if (baseHash === undefined) {
      throw invalidRequest("exec approvals base hash required; re-run exec.approvals.get and retry");
    }
    const text = await store.write((db) => {
      const before = stored(db);
      if (hashOf(before) !== baseHash) {
        throw invalidRequest("exec approvals changed since last load; re-run exec.approvals.get and retry");
      }
      const after = JSON.stringify(normalisedPolicy(file, this.document(before).socket));
      this.keep(db, after);
      return after;
    });
    return this.shown(text);
  }

  /** What holds for an agent: its own words before the defaults, its list and the one of all agents (`*`). */
  async of(agentId: string): Promise<AgentExecPolicy> {
    const { defaults, agents } = this.document(await this.deps.store.read((db) => stored(db)));
    const own = agents?.[agentId];
    return {
      security: own?.security ?? defaults?.security,
      ask: own?.ask ?? defaults?.ask,
      askFallback: own?.askFallback ?? defaults?.askFallback,
      allowlist: [...(own?.allowlist ?? []), ...(agents?.["*"]?.allowlist ?? [])],
    };
  }

  /** Adds entries to an agent's list that are not there yet. @throws GatewayError when the document would be too large */
  async allow(agentId: string, entries: readonly AllowEntry[]): Promise<void> {
    const now = this.deps.clock.now();
    await this.change((document) => {
      const agent = ownAgent(document, agentId);
      const list = agent.allowlist ?? [];
      const isThere = ({ pattern, argPattern }: AllowEntry): boolean =>
        list.some((each) => each.pattern === pattern && each.argPattern === argPattern);
      const fresh = entries
        .filter((entry) => !isThere(entry))
        .map((entry) => ({ ...entry, id: uuid(), lastUsedAt: now }));
      agent.allowlist = [...list, ...fresh];
      return fresh.length > 0;
    });
  }

  /** Notes when entries were used last; not more often than somebody would look. */
  async used(agentId: string, ids: readonly string[]): Promise<void> {
    const { clock, limits } = this.deps;
    const now = clock.now();
    const isDue = ({ id, lastUsedAt = 0 }: AllowEntry): boolean =>
      ids.includes(id ?? "") && now - lastUsedAt >= limits.execPolicyUsedMs;
    const due = (await this.of(agentId)).allowlist.some(isDue);
    if (!due) return;
    await this.change((document) => {
      for (const agent of [document.agents?.[agentId], document.agents?.["*"]]) {
        for (const entry of agent?.allowlist ?? []) if (isDue(entry)) entry.lastUsedAt = now;
      }
      return true;
    });
  }

  /** @param edit changes the document in place and says whether it did */
  private async change(edit: (document: ExecPolicyDocument) => boolean): Promise<void> {
    await this.deps.store.write((db) => {
      const document = this.document(stored(db));
      if (edit(document)) this.keep(db, JSON.stringify(document));
    });
  }

  private keep(db: Database, document: string): void {
    const { clock, limits } = this.deps;
    if (Buffer.byteLength(document) > limits.execPolicyBytes) throw invalidRequest("exec approvals are too large");
    db.query(
      `INSERT INTO exec_approvals_config (id, document, updated_at) VALUES (1, ?1, ?2)
         ON CONFLICT (id) DO UPDATE SET document = ?1, updated_at = ?2`,
    ).run(document, clock.now());
  }

  private document(text: string | null): ExecPolicyDocument {
    if (text !== null) return JSON.parse(text) as ExecPolicyDocument;
    return { version: 1, socket: { path: join(this.deps.stateDir, "exec-approvals.sock") }, defaults: {}, agents: {} };
  }

  private shown(text: string | null): ExecApprovalsSnapshot {
    const { version, socket, ...file } = this.document(text);
    const { security = "full", ask = "off", askFallback = "deny", autoAllowSkills = false } = file.defaults ?? {};
    return {
      path: `${this.deps.databasePath}#exec_approvals_config`,
      exists: text !== null,
      hash: hashOf(text),
      file: { version, ...(socket?.path && { socket: { path: socket.path } }), ...file },
      resolvedDefaults: { security, ask, askFallback, autoAllowSkills } as ExecApprovalsSnapshot["resolvedDefaults"],
    };
  }
}

/** An agent's own part of the document, made when there is none. */
function ownAgent(document: ExecPolicyDocument, agentId: string) {
  const agents = { ...document.agents };
  const agent = Object.hasOwn(agents, agentId) ? agents[agentId]! : {};
  agents[agentId] = agent;
  document.agents = agents;
  return agent;
}

function stored(db: Database): string | null {
  const row = db.query("SELECT document FROM exec_approvals_config WHERE id = 1").get();
  return row === null ? null : (row as { document: string }).document;
}

/** Over what is stored, the token included, so that a change of it counts, too. */
const hashOf = (text: string | null): string =>
  createHash("sha256")
    .update(text ?? "")
    .digest("hex");
