import type { CanvasPresentParams, CanvasPresentResult } from "../../generated/types.ts";
import type { ConfigPort } from "../config/types.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { commandConfig, effectiveCommands } from "./command-policy.ts";
import type { NodeInvokes } from "./invokes.ts";
import type { NodeCaller } from "./live-node.ts";
import type { NodeSessions } from "./node-sessions.ts";

const COMMAND = "canvas.present";
const unavailable = (message: string): GatewayError => new GatewayError("UNAVAILABLE", message);

/** The canvas of a node, shown by the node itself. */
export class Canvas {
  constructor(private readonly deps: { invokes: NodeInvokes; sessions: NodeSessions; config: ConfigPort }) {}

  /**
   * Shows a page or hosted document on the named node, or on the one connected node that has a canvas.
   * @throws GatewayError without such a node, for an address that is none of the web, and with the node's own error
   */
  async present(params: CanvasPresentParams, caller: NodeCaller): Promise<CanvasPresentResult> {
    const { target, x, y, width, height, timeoutMs, idempotencyKey } = params;
    if (target !== undefined) requirePage(target);
    const placement = Object.fromEntries(
      Object.entries({ x, y, width, height }).filter(([, value]) => value !== undefined),
    );
    const shown = {
      ...(target !== undefined && { url: target }),
      ...(Object.keys(placement).length > 0 && { placement }),
    };
    const nodeId = params.nodeId ?? this.onlyNode();
    const call = {
      nodeId,
      command: COMMAND,
      params: shown,
      idempotencyKey,
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
    return (await this.deps.invokes.invoke(call, caller)) as CanvasPresentResult;
  }

  private onlyNode(): string {
    const { sessions, config } = this.deps;
    const settings = commandConfig(config.current);
    const capable = [...sessions.all()].filter((each) =>
      effectiveCommands(each, each.surface, settings).includes(COMMAND),
    );
    if (capable.length > 1)
      throw unavailable(`Multiple canvas-capable nodes connected (${capable.length}). Pass nodeId.`);
    const [session] = capable;
    if (session === undefined) throw unavailable("No connected canvas-capable nodes.");
    return session.nodeId;
  }
}

/** Files, data and scripts are no pages (KNOWN_ATTACKS 94). @throws GatewayError */
function requirePage(target: string): void {
  const scheme = /^\s*([a-z][a-z0-9+.-]*):/i.exec(target)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === "http" || scheme === "https") return;
  throw invalidRequest("target must be an http or https address, or the path of a hosted document");
}
