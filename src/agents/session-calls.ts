import type {
  ChatSendResult,
  SessionsAbortParams,
  SessionsAbortResult,
  SessionsSendParams,
} from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Chat } from "./chat.ts";
import type { CommandDeps } from "./commands/types.ts";
import type { Sender } from "./sender.ts";

export interface SessionCallsOptions extends Pick<CommandDeps, "sessions" | "runs" | "agents"> {
  chat: Chat;
}

/** `sessions.send`, `sessions.steer` and `sessions.abort`: messages to sessions that exist, by programs. */
export class SessionCalls {
  constructor(private readonly options: SessionCallsOptions) {}

  /**
   * Sends a message as `chat.send` does, but never makes a session. Without an idempotency key it gets one. In a session that
   * a channel talks in, the answer goes there, too.
   * @throws GatewayError when there is no such session, and as `chat.send` does
   */
  async send(params: SessionsSendParams, sender: Sender): Promise<ChatSendResult> {
    await this.demandSession(params);
    return this.options.chat.send(chatParams(params), sender);
  }

  /**
   * The deprecated `sessions.steer`: as {@link send}, but stops what is at work first. The answer says whether anything was.
   * @throws GatewayError as {@link send} does
   */
  async steer(params: SessionsSendParams, sender: Sender): Promise<ChatSendResult> {
    await this.demandSession(params);
    return this.options.chat.send({ ...chatParams(params), queueMode: "interrupt" }, sender);
  }

  /**
   * Stops a run, or what is at work and waits in a session. A run id alone finds its session. Names the last of what was
   * stopped, as upstream does.
   * @throws GatewayError when neither key nor run is named, or the run is not the sender's
   */
  async abort({ key, runId, agentId }: SessionsAbortParams, sender: Sender): Promise<SessionsAbortResult> {
    const sessionKey = key ?? (runId === undefined ? undefined : this.options.runs.inputOf(runId)?.sessionKey);
    if (sessionKey === undefined && runId === undefined) throw invalidRequest("key required");
    if (sessionKey === undefined) return NOTHING_STOPPED;
    if (sessionKey.trim() === "") throw invalidRequest("key required");
    const { runIds } = await this.options.chat.abort({ sessionKey, agentId, runId }, sender);
    const last = runIds.at(-1);
    return last === undefined ? NOTHING_STOPPED : { ok: true, abortedRunId: last, status: "aborted" };
  }

  private async demandSession({ key, agentId }: SessionsSendParams): Promise<string> {
    const { sessions, agents } = this.options;
    const sessionKey = sessions.canonicalKey(key, agentId);
    const owner = /^agent:([^:]+):/.exec(sessionKey)?.[1] ?? agents.roster.defaultId;
    if (!agents.find(owner)) throw invalidRequest(`Agent "${owner}" no longer exists in configuration`);
    if (!(await sessions.find(sessionKey))) throw invalidRequest(`session not found: ${key}`);
    return sessionKey;
  }
}

const NOTHING_STOPPED: SessionsAbortResult = { ok: true, abortedRunId: null, status: "no-active-run" };

const chatParams = ({ key, idempotencyKey, ...rest }: SessionsSendParams) => ({
  ...rest,
  deliver: true,
  sessionKey: key,
  idempotencyKey: idempotencyKey ?? uuid(),
});
