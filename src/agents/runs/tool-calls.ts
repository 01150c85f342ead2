import { LIMITS } from "../../../generated/limits.ts";
import type { ConfigPort } from "../../config/types.ts";
import { TurnTaint } from "../../defender/taint/turn-words.ts";
import type { DefenderPort } from "../../defender/types.ts";
import type { ModelMessage, ModelRequest, ResolvedModel } from "../../models/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { SessionState, SessionsPort, TranscriptMessage } from "../../sessions/types.ts";
import { callDisplay } from "../../tools/display.ts";
import { isLoopWatched, LoopGuard } from "../../tools/loop-guard.ts";
import { entryOf } from "../../tools/registry.ts";
import { mapTexts, refusedResult } from "../../tools/results.ts";
import { subjectOf } from "../../tools/subject.ts";
import { type Tool, type ToolContext, ToolError, type ToolHostPort, type ToolResult } from "../../tools/types.ts";
import type { AgentCatalogue } from "../catalogue.ts";
import type { ToolCall } from "./answer.ts";
import { isOwners } from "./authority.ts";
import type { Run } from "./run.ts";
import { toldCall } from "./tool-events.ts";
import { RunRefused } from "./turn-endings.ts";
import { beginningWords, hearMessage, seeResult } from "./turn-words.ts";
import type { RunInput } from "./types.ts";

export interface ToolCallsDeps {
  tools: ToolHostPort;
  sessions: Pick<SessionsPort, "append">;
  agents: AgentCatalogue;
  config: ConfigPort;
  defender: DefenderPort;
  clock: Clock;
}

/** A call that did not run because somebody spoke meanwhile; upstream's words (docs: concepts/queue-steering). */
const SKIPPED = "Skipped to process an incoming message. This tool did not run.";
const STOPPED = "The run was stopped before this call ended.";
const TOO_MANY = "This answer asked for too many calls at once; this one was not made.";

/** The tool calls of one turn. Every call that the model asked for is answered in the transcript, whatever happens. */
export class ToolCalls {
  private readonly used = new Set<string>();
  /** Tools that change nothing. */
  private readonly reading = new Set<string>();
  private readonly guard: LoopGuard | null;
  /** Whose words the turn has heard; those of its message alone until {@link begin}. */
  private words = new TurnTaint();
  /** Why the run must end: it goes in a circle and does not stop. */
  loop: string | undefined;
  /** Whether a tool has ended the turn: nothing more is to be said in it. */
  hasEnded = false;
  /** What the reader is told when the turn ends without words: the last call, if it failed. */
  private failure: string | undefined;

  constructor(
    private readonly run: Run,
    private readonly deps: ToolCallsDeps,
    private readonly place: { session: SessionState; workspace: string },
  ) {
    const { config, agents } = deps;
    const agentTools = agents.find(place.session.agentId)?.raw.tools;
    this.guard = isLoopWatched(config.current, agentTools) ? new LoopGuard(LIMITS) : null;
  }

  /** Names of the tools that were used with success. */
  get successful(): string[] {
    return [...this.used];
  }

  /** `Read failed` when the last call failed. */
  get lastFailure(): string | undefined {
    return this.failure;
  }

  /** @throws RunRefused when the configuration leaves an agent without any tool though it lists some */
  async offered(model: ResolvedModel): Promise<Tool[]> {
    try {
      const tools = await this.deps.tools.offered(this.subject(model));
      for (const { name, reads } of tools) if (reads ?? entryOf(name)?.reads) this.reading.add(name);
      return tools;
    } catch (error) {
      if (error instanceof ToolError) throw new RunRefused(error.message);
      throw error;
    }
  }

  /** The turn begins with these messages, the newest last. `notes` were put before it and are nobody's order. */
  begin(messages: readonly ModelMessage[], notes: string | undefined): void {
    this.words = beginningWords(messages, this.run.input, this.place.workspace);
    if (notes !== undefined) this.words.see(notes, "note");
  }

  /** Somebody said this meanwhile. */
  hear(inputs: readonly RunInput[]): void {
    for (const input of inputs) hearMessage(this.words, input);
  }

  /**
   * Makes the calls of one answer and stores their results, in the order in which they were asked for. Calls that only
   * read run side by side; others one after the other, and those that have not begun are skipped when somebody speaks.
   * Rejects with the signal's reason when the run is stopped; then all calls are answered as well.
   */
  async perform(calls: readonly ToolCall[], model: ResolvedModel): Promise<TranscriptMessage[]> {
    const results = new Results(calls, (messages) => this.deps.sessions.append(this.run.sessionKey, messages));
    const loop = this.guard?.judge(calls);
    if (loop) {
      if (loop.endsRun) this.loop = loop.reason;
      for (const [index, call] of calls.entries()) {
        await results.add(index, this.message(call, this.unmade(call, loop.reason)));
      }
      return results.all();
    }
    try {
      const isReading = calls.every(({ name }) => this.reading.has(name));
      if (isReading && calls.length > 1) await this.sideBySide(calls, model, results);
      else for (const [index, call] of calls.entries()) await this.next(call, index, model, results);
    } catch (error) {
      await results.finish((call) => this.message(call, refusedResult(STOPPED)));
      throw error;
    }
    return this.seen(calls, results.all());
  }

  /** Words of strangers in results count from the next answer on: those that asked for these calls had not seen them. */
  private seen(calls: readonly ToolCall[], results: TranscriptMessage[]): TranscriptMessage[] {
    for (const [index, { name, arguments: args }] of calls.entries()) {
      const result = results[index];
      if (result) seeResult(this.words, { name, args }, result, this.place.workspace);
    }
    return results;
  }

  private async next(call: ToolCall, index: number, model: ResolvedModel, results: Results): Promise<void> {
    const isSkipped = this.run.waitingInputs.length > 0;
    const result = isSkipped ? this.unmade(call, SKIPPED) : await this.one(call, index, model);
    await results.add(index, this.message(call, result));
  }

  private async sideBySide(calls: readonly ToolCall[], model: ResolvedModel, results: Results): Promise<void> {
    let at = 0;
    const work = async (): Promise<void> => {
      while (at < calls.length) {
        const index = at++;
        const call = calls[index]!;
        await results.add(index, this.message(call, await this.one(call, index, model)));
      }
    };
    const workers = Array.from({ length: Math.min(calls.length, LIMITS.toolsAtOnce) }, work);
    // All of them end before the turn goes on or stops: none may write into a transcript that is closed.
    const ends = await Promise.allSettled(workers);
    const failed = ends.find((end) => end.status === "rejected");
    if (failed) throw failed.reason;
  }

  private async one(call: ToolCall, index: number, model: ResolvedModel): Promise<ToolResult> {
    const { id, name, invalid } = call;
    const { tools } = this.deps;
    this.run.signal.throwIfAborted();
    if (index >= LIMITS.toolCallsPerAnswer) return this.unmade(call, TOO_MANY);
    const told = this.tell(call);
    let result: ToolResult;
    try {
      if (invalid) result = refusedResult(`Validation failed for tool "${name}": ${invalid}.`);
      else result = await tools.call(name, call.arguments, this.context(id, model, told.update), this.subject(model));
    } catch (error) {
      told.end(refusedResult(STOPPED));
      throw error;
    }
    const note = this.guard?.record(call, result);
    if (note) result = { ...result, content: [...result.content, { type: "text", text: note }] };
    told.end(result);
    this.remember(call, result);
    return result;
  }

  /** The answer of a call that was not made, told as any other. */
  private unmade(call: ToolCall, why: string): ToolResult {
    const result = refusedResult(why);
    this.tell(call).end(result);
    return result;
  }

  private tell(call: ToolCall) {
    return toldCall(this.run.events, { ...call, arguments: this.masked(call.arguments) }, this.deps.clock);
  }

  private remember({ name, arguments: args }: ToolCall, result: ToolResult): void {
    if (!result.isError) this.used.add(name);
    const { status } = result.details ?? {};
    this.failure = result.isError
      ? `${callDisplay(name, args).title.split(" ", 1)[0]} ${status === "error" ? "failed" : "blocked"}`
      : undefined;
  }

  /** Arguments as they are stored and told: without credentials. */
  masked(args: Record<string, unknown>): Record<string, unknown> {
    return mapTexts(args, (text) => {
      const stream = this.deps.defender.stream();
      return stream.push(text) + stream.end();
    });
  }

  /** The definitions of tools as models take them. */
  static definitions(tools: readonly Tool[]): ModelRequest["tools"] {
    if (tools.length === 0) return undefined;
    return tools.map(({ name, description, parameters }) => ({ name, description, parameters }));
  }

  private subject({ provider, id }: ResolvedModel) {
    const { config, agents } = this.deps;
    const who = { isOwner: this.isOwner, provider, model: id };
    const subject = subjectOf({ config: config.current, roster: agents.roster }, this.place.session, who);
    return this.run.input.settings.spending === "heartbeat" ? { ...subject, isHeartbeat: true } : subject;
  }

  private get isOwner(): boolean {
    return isOwners(this.run.input.message);
  }

  private context(
    toolCallId: string,
    { provider, id: model }: ResolvedModel,
    onUpdate: (partial: ToolResult) => void,
  ): ToolContext {
    const { run, place } = this;
    const { key: sessionKey, sessionId, agentId } = place.session;
    const { isSandboxed, channel } = subjectOf(
      { config: this.deps.config.current, roster: this.deps.agents.roster },
      place.session,
      { isOwner: this.isOwner },
    );
    return {
      agentId,
      sessionKey,
      sessionId,
      runId: run.id,
      toolCallId,
      workspace: place.workspace,
      isOwner: this.isOwner,
      origin: run.input.origin ?? (this.isOwner ? "owner" : "paired-user"),
      ...(channel === undefined ? {} : { channel }),
      isSandboxed,
      provider,
      model,
      turn: this.words,
      signal: run.signal,
      endTurn: () => {
        this.hasEnded = true;
      },
      onUpdate,
    };
  }

  private message({ id, name }: ToolCall, { content, details, isError }: ToolResult): TranscriptMessage {
    return {
      role: "toolResult",
      content,
      timestamp: this.deps.clock.now(),
      meta: { runId: this.run.id },
      extra: {
        toolCallId: id,
        toolName: name,
        isError: isError === true,
        ...(details && Object.keys(details).length > 0 ? { details } : {}),
      },
    };
  }
}

/** Stores results in the order of their calls, each as soon as those before it are there. */
class Results {
  private readonly messages: (TranscriptMessage | undefined)[];
  private stored = 0;
  private writing: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly calls: readonly ToolCall[],
    private readonly store: (messages: TranscriptMessage[]) => Promise<unknown>,
  ) {
    this.messages = calls.map(() => undefined);
  }

  /** Resolves when everything that can be stored by now is on disk. */
  async add(index: number, message: TranscriptMessage): Promise<void> {
    this.messages[index] = message;
    await this.flush();
  }

  /** Answers every call that has no result and stores what is left. */
  async finish(missing: (call: ToolCall) => TranscriptMessage): Promise<void> {
    for (const [index, call] of this.calls.entries()) this.messages[index] ??= missing(call);
    await this.flush();
  }

  all(): TranscriptMessage[] {
    return this.messages.flatMap((message) => message ?? []);
  }

  private flush(): Promise<unknown> {
    const next: TranscriptMessage[] = [];
    for (let message = this.messages[this.stored]; message !== undefined; message = this.messages[this.stored]) {
      next.push(message);
      this.stored++;
    }
    if (next.length > 0) this.writing = this.writing.then(() => this.store(next));
    return this.writing;
  }
}
