import { dict } from "../models/settings.ts";
import { stableJson } from "../platform/json.ts";
import type { ToolResult } from "./types.ts";

/** Numbers of calls; values and reasons in `spec/chela/limits.yaml`. */
export interface LoopLimits {
  loopHistory: number;
  loopWarnAfter: number;
  loopBlockAfter: number;
}

interface LoopCall {
  name: string;
  arguments: Record<string, unknown>;
}

interface Past {
  /** The tool and its arguments. */
  call: string;
  /** What came of it, without what changes from time to time by itself. */
  outcome: string;
}

/** Why the calls of an answer are not made. The second time in a run, it ends. */
export interface LoopBlock {
  reason: string;
  endsRun: boolean;
}

/** Whether calls are watched: `tools.loopDetection.enabled` of the agent, else of all; off unless it says so. */
export function isLoopWatched(config: object, agentTools: unknown): boolean {
  const own = dict(dict(agentTools).loopDetection).enabled;
  const all = dict(dict((config as Record<string, unknown>).tools).loopDetection).enabled;
  return (own ?? all) === true;
}

/**
 * Watches the tool calls of one run for repetitions that get nowhere (docs: tools/loop-detection): the same call with the
 * same outcome, however often others come between, and two calls that take turns. First the model is told; if it goes
 * on, its calls are not made.
 */
export class LoopGuard {
  private readonly past: Past[] = [];
  private blocks = 0;
  private lastWarned = 0;

  constructor(private readonly limits: LoopLimits) {}

  /** Judges the calls of an answer before any of them is made. */
  judge(calls: readonly LoopCall[]): LoopBlock | null {
    const stuck = calls.find((call) => this.repetitions(keyOf(call)) >= this.limits.loopBlockAfter);
    if (stuck === undefined) return null;
    this.blocks++;
    const reason = `${stuck.name} was called ${this.repetitions(keyOf(stuck))} times without getting any further. Do something else, or say what is missing.`;
    return { reason, endsRun: this.blocks > 1 };
  }

  /** Remembers what came of a call. Returns what the model should be told, once per so many repetitions. */
  record(call: LoopCall, result: ToolResult): string | null {
    const key = keyOf(call);
    this.past.push({ call: key, outcome: outcomeOf(result) });
    if (this.past.length > this.limits.loopHistory) this.past.shift();
    const times = this.repetitions(key);
    if (times < this.lastWarned) this.lastWarned = 0;
    if (times < this.limits.loopWarnAfter || times < this.lastWarned + this.limits.loopWarnAfter / 2) return null;
    this.lastWarned = times;
    return `[Note of the gateway: this call has brought the same result ${times} times. Try another way.]`;
  }

  /** How often the call has brought the same outcome lately, by itself or in turn with one other. */
  private repetitions(call: string): number {
    return Math.max(this.same(call), this.alternating(call));
  }

  private same(call: string): number {
    const own = this.past.filter((entry) => entry.call === call);
    const outcome = own.at(-1)?.outcome;
    const changed = own.findLastIndex((entry) => entry.outcome !== outcome);
    return own.length - 1 - changed;
  }

  /** Length of the tail in which two calls take turns and neither brings anything new. */
  private alternating(call: string): number {
    const [before, last] = this.past.slice(-2);
    if (!before || !last || before.call === last.call || (call !== before.call && call !== last.call)) return 0;
    let length = 0;
    for (let at = this.past.length - 1; at >= 0; at--) {
      const expected = length % 2 === 0 ? last : before;
      const entry = this.past[at]!;
      if (entry.call !== expected.call || entry.outcome !== expected.outcome) break;
      length++;
    }
    return length < 4 ? 0 : length;
  }
}

const keyOf = ({ name, arguments: args }: LoopCall): string => `${name} ${digest(stableJson(args))}`;

/** The words of a result and how a command ended; not its duration, process id or session, which change by themselves. */
function outcomeOf({ content, details, isError }: ToolResult): string {
  const texts = content.map((part) => (part.type === "text" ? steady(part.text) : digest(part.data)));
  const { status, exitCode, timedOut } = details ?? {};
  return digest(JSON.stringify([texts, isError === true, status, exitCode, timedOut]));
}

/** Without what marks each piece of outside content anew. */
const steady = (text: string): string => text.replace(/\bid="[0-9a-f]{8,64}"/g, 'id=""');

const digest = (text: string): string => Bun.hash(text).toString(36);
