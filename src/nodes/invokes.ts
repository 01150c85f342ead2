import { LIMITS } from "../../generated/limits.ts";
import type { NodeInvokeParams, NodeInvokeResult, NodeInvokeResultParams } from "../../generated/types.ts";
import type { ConfigPort } from "../config/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { commandConfig, requireAllowed } from "./command-policy.ts";
import type { ExecRuns } from "./exec-runs.ts";
import type { ForegroundActions } from "./foreground.ts";
import { answerOf, failed, notConnected, type Outcome } from "./invoke-answers.ts";
import type { InvocationKey, InvokeMemory } from "./invoke-memory.ts";
import { INVOCATION_CHANGED, type NodeCaller, pairingChanged } from "./live-node.ts";
import type { NodeRepository } from "./node-repository.ts";
import type { NodeSessions } from "./node-sessions.ts";
import { changesBrowserProfiles, type RunContext, runParams } from "./run-params.ts";
import type { NodeSession } from "./types.ts";

export interface InvokesOptions {
  repository: NodeRepository;
  sessions: NodeSessions;
  execRuns: ExecRuns;
  actions: ForegroundActions;
  memory: InvokeMemory;
  /** Approvals of single commands, which let a node run what it would ask about. */
  permissions: RunContext["permissions"];
  config: ConfigPort;
  bus: EventBus;
  clock: Clock;
}

/** One request to a node that waits for its result. */
interface Pending {
  session: NodeSession;
  command: string;
  settle(outcome: Outcome): void;
}

/** An invocation with its deadline, over all of its dispatches. */
interface Invocation {
  nodeId: string;
  command: string;
  params: unknown;
  /** Absent for what a method of its own asks for: it is never asked for twice. */
  idempotencyKey: string | undefined;
  /** The session that the caller works for. */
  sessionKey: string | undefined;
  /** Epoch milliseconds, or null when the caller waits as long as it takes. */
  deadline: number | null;
  /** Aborted when nobody waits for the result any more. */
  signal?: AbortSignal;
}

/** Commands that a node is asked for, and what comes of them (BEHAVIOUR section 9). */
export class NodeInvokes {
  private readonly pending = new Map<string, Pending>();
  /** By node, command, caller and idempotency key. */
  private readonly underWay = new Map<string, Promise<NodeInvokeResult>>();

  private isStopping = false;

  constructor(private readonly options: InvokesOptions) {
    options.sessions.onEnd((session) => this.sessionEnded(session));
  }

  /** To be called before the connections end, so that what is under way then does not count as failed. */
  stop(): void {
    this.isStopping = true;
  }

  /**
   * Asks a connected node for a command and waits for its result. A call with the key of one that is under way, or that
   * ended well within minutes, gets that one's answer.
   * @throws GatewayError `PAIRING_CHANGED` for a node that is unknown or not approved, `NOT_CONNECTED`, what the command
   * policy refuses, the node's own error, or a timeout
   */
  async invoke(call: NodeInvokeParams, caller: NodeCaller): Promise<NodeInvokeResult> {
    const { repository, sessions, clock, permissions, config } = this.options;
    const nodeId = call.nodeId.trim();
    const command = call.command.trim();
    if (nodeId === "" || command === "") throw invalidRequest("nodeId and command required");
    refuseReserved(command, call.params);
    const { surface } = await repository.read(nodeId);
    if (surface === null) throw pairingChanged(INVOCATION_CHANGED);
    const session = sessions.get(nodeId);
    if (session === undefined) throw notConnected();
    const { timeoutMs = LIMITS.nodeInvokeTimeoutMs, idempotencyKey, sessionKey } = call;
    const deadline = timeoutMs === 0 ? null : clock.now() + Math.min(timeoutMs, LIMITS.nodeInvokeMaxMs);
    const key = { nodeId, command, idempotencyKey, owner: caller.deviceId ?? "" };
    return this.once(key, async () => {
      requireAllowed(command, session, commandConfig(config.current));
      const isRun = command === "system.run";
      const params = isRun ? await runParams(call.params, { nodeId, caller, permissions }) : call.params;
      return this.run({ nodeId, command, params, idempotencyKey, sessionKey, deadline });
    });
  }

  /**
   * Asks a node on behalf of a method that has judged the caller and the command itself, and gives what came of it. The
   * command policy is asked all the same. When the signal aborts the node is told that nobody waits any more.
   * @throws GatewayError what the command policy refuses
   */
  async ask(
    nodeId: string,
    command: string,
    params: unknown,
    {
      timeoutMs = LIMITS.nodeInvokeTimeoutMs,
      idempotencyKey,
      signal,
    }: { timeoutMs?: number; idempotencyKey?: string; signal?: AbortSignal } = {},
  ): Promise<Outcome> {
    const { sessions, config, clock } = this.options;
    const session = sessions.get(nodeId);
    if (session === undefined) return failed("NOT_CONNECTED", "node not connected");
    requireAllowed(command, session, commandConfig(config.current));
    const deadline = clock.now() + Math.min(timeoutMs, LIMITS.nodeInvokeMaxMs);
    const invocation = { nodeId, command, params, idempotencyKey, sessionKey: undefined, deadline, signal };
    return (await this.dispatch(session, invocation)).outcome;
  }

  /**
   * Takes a node's result. One that nobody waits for is ignored; one of another node's request is refused.
   * @throws GatewayError `nodeId mismatch`
   */
  result(params: NodeInvokeResultParams, { connId, deviceId }: NodeCaller): { ok: true; ignored?: true } {
    if (params.nodeId !== deviceId) throw invalidRequest("nodeId mismatch");
    const pending = this.pending.get(params.id);
    if (pending?.session.connId !== connId) return { ok: true, ignored: true };
    pending.settle(params);
    return { ok: true };
  }

  /** Output of a command that is still at work. No method streams it to a caller, so it is only taken note of. */
  progress({ nodeId }: { nodeId: string }, { deviceId }: NodeCaller): { ok: true; ignored: true } {
    if (nodeId !== deviceId) throw invalidRequest("nodeId mismatch");
    return { ok: true, ignored: true };
  }

  /** Runs what is not under way and has not ended well not long ago; else gives that one's answer. */
  private once(key: InvocationKey, run: () => Promise<NodeInvokeResult>): Promise<NodeInvokeResult> {
    const id = JSON.stringify([key.nodeId, key.command, key.owner, key.idempotencyKey]);
    const known = this.underWay.get(id);
    if (known !== undefined) return known;
    const answer = this.remembered(key, run).finally(() => this.underWay.delete(id));
    this.underWay.set(id, answer);
    return answer;
  }

  private async remembered(key: InvocationKey, run: () => Promise<NodeInvokeResult>): Promise<NodeInvokeResult> {
    const { memory } = this.options;
    const before = await memory.begin(key);
    if (before === "lost") throw outcomeLost();
    if (before !== "new") return before;
    try {
      const answer = await run();
      await memory.end(key, answer);
      return answer;
    } catch (error) {
      // When the gateway stops its nodes go, but what they are doing goes on: whoever asks again is told so.
      if (!this.isStopping) await memory.end(key, null);
      throw error;
    }
  }

  /** A node that was only tidying up says so before it did anything, and is asked again while there is time. */
  private async run(invocation: Invocation): Promise<NodeInvokeResult> {
    const { nodeId, command } = invocation;
    for (let attempt = 0; ; attempt++) {
      const session = this.options.sessions.get(nodeId);
      if (session === undefined) throw notConnected();
      if (session.surface === null) throw pairingChanged(INVOCATION_CHANGED);
      requireAllowed(command, session, commandConfig(this.options.config.current));
      const { outcome, request } = await this.dispatch(session, invocation);
      if (outcome.error?.code === "NODE_NOT_READY" && attempt < LIMITS.nodeInvokeRetries) {
        await Bun.sleep(LIMITS.nodeInvokeRetryPauseMs);
        continue;
      }
      return answerOf(nodeId, command, await this.options.actions.settle(session, request, outcome));
    }
  }

  private async dispatch(session: NodeSession, invocation: Invocation) {
    const { command, params, idempotencyKey, sessionKey, deadline, signal } = invocation;
    const { bus, clock, execRuns } = this.options;
    const { nodeId, connId } = session;
    this.requireRoom(nodeId);
    const id = uuid();
    const timeoutMs = deadline === null ? 0 : Math.max(1, deadline - clock.now());
    const paramsJSON = params === undefined ? null : JSON.stringify(params);
    const request = { id, nodeId, command, paramsJSON, timeoutMs, idempotencyKey, sessionKey };
    if (command === "system.run") execRuns.admitted(session, params);
    const outcome = await new Promise<Outcome>((resolve) => {
      const giveUp = (code: string, message: string): void => {
        bus.publish("node.invoke.cancel", { invokeId: id, nodeId }, { connIds: [connId] });
        this.pending.get(id)?.settle(failed(code, message));
      };
      const timer = setTimeout(
        () => giveUp("TIMEOUT", "node invoke timed out"),
        deadline === null ? LIMITS.nodeInvokeMaxMs : timeoutMs,
      );
      const abort = (): void => giveUp("CANCELLED", "node invoke cancelled");
      signal?.addEventListener("abort", abort, { once: true });
      const settle = (settled: Outcome): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        this.pending.delete(id);
        resolve(settled);
      };
      this.pending.set(id, { session, command, settle });
      bus.publish("node.invoke.request", request, { connIds: [connId] });
    });
    return { outcome, request };
  }

  private requireRoom(nodeId: string): void {
    let waiting = 0;
    for (const { session } of this.pending.values()) if (session.nodeId === nodeId) waiting++;
    if (waiting < LIMITS.nodeInvokesPerNode) return;
    throw new GatewayError("UNAVAILABLE", "too many invocations wait for this node", { retryable: true });
  }

  private sessionEnded({ connId }: NodeSession): void {
    for (const { session, command, settle } of [...this.pending.values()]) {
      if (session.connId === connId) settle(failed("DISCONNECTED", `node disconnected (${command})`));
    }
  }
}

/** The gateway was started anew while the node was at work; it may have done what it was asked for. */
const outcomeLost = (): GatewayError =>
  new GatewayError("UNAVAILABLE", "node invoke outcome unknown: the gateway restarted while the node was at work", {
    details: { code: "OUTCOME_UNKNOWN", nodeCommandDispatched: true },
  });

/** Commands with methods of their own, which ask for other rights. @throws GatewayError */
function refuseReserved(command: string, params: unknown): void {
  if (command.startsWith("system.execApprovals.")) {
    const message = "node.invoke does not allow system.execApprovals.*; use exec.approvals.node.*";
    throw invalidRequest(message, { command });
  }
  if (command.startsWith("browser.proxy") && changesBrowserProfiles(params)) {
    throw invalidRequest("node.invoke cannot mutate persistent browser profiles via browser.proxy", { command });
  }
}
