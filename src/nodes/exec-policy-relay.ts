import type {
  ExecApprovalsNodeGetParams,
  ExecApprovalsNodeSetParams,
  ExecApprovalsNodeSnapshot,
} from "../../generated/types.ts";
import type { ConfigPort } from "../config/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { check } from "../protocol/validate.ts";
import { commandConfig, commandRefusal } from "./command-policy.ts";
import { nodeError, payloadOf, wasAsked } from "./invoke-answers.ts";
import type { NodeInvokes } from "./invokes.ts";
import type { NodeSessions } from "./node-sessions.ts";
import type { NodeSession } from "./types.ts";

/**
 * The document of allowed commands of a node host, which lies on the node: it is read and written there. The node holds
 * the base hash against what it has, so that nobody undoes another's change (docs: exec approvals, Control UI editing).
 * The token of the node's socket is not passed on, as that of this gateway is not; a node keeps it when none is written.
 */
export class ExecPolicyRelay {
  constructor(private readonly deps: { invokes: NodeInvokes; sessions: NodeSessions; config: ConfigPort }) {}

  /** @throws GatewayError what the node says, or that its answer is none */
  async get({ nodeId }: ExecApprovalsNodeGetParams): Promise<ExecApprovalsNodeSnapshot> {
    return this.ask(nodeId, "system.execApprovals.get", (session) =>
      isMacApp(session) ? { includeResolvedDefaults: true } : {},
    );
  }

  /** Hands the document, or a node's rules in their own form, to the node. @throws GatewayError what the node says */
  async set({ nodeId, file, native, baseHash }: ExecApprovalsNodeSetParams): Promise<ExecApprovalsNodeSnapshot> {
    const payload = native === undefined ? { file, baseHash } : { ...native, baseHash };
    return this.ask(nodeId, "system.execApprovals.set", () => payload);
  }

  private async ask(id: string, command: string, params: (session?: NodeSession) => object) {
    const { invokes, sessions, config } = this.deps;
    const nodeId = id.trim();
    if (nodeId === "") throw invalidRequest("nodeId required");
    const session = sessions.get(nodeId);
    const refusal = session && commandRefusal(command, session, commandConfig(config.current));
    if (refusal) {
      const { reason } = refusal;
      throw invalidRequest(`node command not allowed: ${command} (${reason})`, { command, reason });
    }
    const outcome = await invokes.ask(nodeId, command, params(session));
    if (!outcome.ok) throw nodeError(outcome, wasAsked(outcome));
    const payload = payloadOf(outcome);
    if (!check("ExecApprovalsNodeSnapshot", payload))
      throw invalidRequest("node returned invalid exec approvals payload");
    return withoutToken(payload as ExecApprovalsNodeSnapshot);
  }
}

function withoutToken(snapshot: ExecApprovalsNodeSnapshot): ExecApprovalsNodeSnapshot {
  if (snapshot.file?.socket === undefined) return snapshot;
  const { socket, ...file } = snapshot.file;
  return { ...snapshot, file: { ...file, ...(socket.path !== undefined && { socket: { path: socket.path } }) } };
}

/** Only the app on macOS resolves its defaults on request. */
const isMacApp = (session: NodeSession | undefined): boolean =>
  session?.facts.clientId === "openclaw-macos" && session.facts.platform?.toLowerCase().startsWith("macos") === true;
