import { createHash } from "node:crypto";
import { join } from "node:path";
import type { ExecApprovalsSetParams, ExecApprovalsSnapshot } from "../../generated/types.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Store } from "../store/store.ts";
import { normalisedPolicy } from "./policy-document.ts";

export type ExecPolicyDocument = ExecApprovalsSnapshot["file"];

export interface ExecPolicyDeps {
  store: Store;
  clock: Clock;
  stateDir: string;
  /** Where the document is, for people. */
  databasePath: string;
  limits: { execPolicyBytes: number };
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
    const { store, clock, limits } = this.deps;
    if (baseHash === undefined) {
      throw invalidRequest("exec approvals base hash required; re-run exec.approvals.get and retry");
    }
    const text = await store.write((db) => {
      const before = stored(db);
      if (hashOf(before) !== baseHash) {
        throw invalidRequest("exec approvals changed since last load; re-run exec.approvals.get and retry");
      }
      const after = JSON.stringify(normalisedPolicy(file, this.document(before).socket));
      if (Buffer.byteLength(after) > limits.execPolicyBytes) throw invalidRequest("exec approvals are too large");
      db.query(
        `INSERT INTO exec_approvals_config (id, document, updated_at) VALUES (1, ?1, ?2)
           ON CONFLICT (id) DO UPDATE SET document = ?1, updated_at = ?2`,
      ).run(after, clock.now());
      return after;
    });
    return this.shown(text);
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

function stored(db: Parameters<Parameters<Store["read"]>[0]>[0]): string | null {
  const row = db.query("SELECT document FROM exec_approvals_config WHERE id = 1").get();
  return row === null ? null : (row as { document: string }).document;
}

/** Over what is stored, the token included, so that a change of it counts, too. */
const hashOf = (text: string | null): string =>
  createHash("sha256")
    .update(text ?? "")
    .digest("hex");
