import type { ConfigPort } from "../config/types.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { commandConfig, effectiveCommands } from "./command-policy.ts";
import { payloadOf } from "./invoke-answers.ts";
import type { NodeInvokes } from "./invokes.ts";
import type { NodeSessions } from "./node-sessions.ts";

const COMMAND = "fs.listDir";

/** The folders of a node, listed by the node. Whoever calls has judged that the caller is an administrator. */
export class FolderRelay {
  constructor(private readonly deps: { invokes: NodeInvokes; sessions: NodeSessions; config: ConfigPort }) {}

  /** What the node answers. @throws GatewayError `node not connected`, that it lists none, and the node's own words */
  async list(nodeId: string, path: string | undefined): Promise<unknown> {
    const { sessions, invokes, config } = this.deps;
    const session = sessions.get(nodeId);
    if (session === undefined) throw new GatewayError("UNAVAILABLE", "node not connected");
    if (!effectiveCommands(session, session.surface, commandConfig(config.current)).includes(COMMAND)) {
      throw invalidRequest("node does not support directory browsing");
    }
    const outcome = await invokes.ask(nodeId, COMMAND, path ? { path } : {});
    if (!outcome.ok) throw new GatewayError("UNAVAILABLE", outcome.error?.message ?? "node browse failed");
    return payloadOf(outcome);
  }
}
