import type { NodeSession } from "./types.ts";

/** Told when the connection that stood for a node ended or was replaced. */
export type SessionEnd = (session: NodeSession) => void;

/** The live connections of nodes, one for each node: a later one takes the place of the one before. */
export class NodeSessions {
  private readonly byNode = new Map<string, NodeSession>();
  private readonly listeners: SessionEnd[] = [];

  add(session: NodeSession): void {
    const before = this.byNode.get(session.nodeId);
    this.byNode.set(session.nodeId, session);
    if (before !== undefined) this.ended(before);
  }

  /** Ends the session unless another connection has taken its place already. */
  remove(nodeId: string, connId: string): void {
    const session = this.byNode.get(nodeId);
    if (session?.connId !== connId) return;
    this.byNode.delete(nodeId);
    this.ended(session);
  }

  get(nodeId: string): NodeSession | undefined {
    return this.byNode.get(nodeId);
  }

  all(): Iterable<NodeSession> {
    return this.byNode.values();
  }

  onEnd(listener: SessionEnd): void {
    this.listeners.push(listener);
  }

  private ended(session: NodeSession): void {
    for (const listener of this.listeners) listener(session);
  }
}
