import type { TurnWords } from "./taint/turn-words.ts";

/** Where a text or an action comes from: the same sentence is an order from the owner and an attack from a web page. */
export type Origin = "owner" | "paired-user" | "channel-stranger" | "tool-result" | "web" | "mail" | "file" | "model";

export interface Finding {
  /** Stable name of the rule, for instance `prompt.role-marker`. */
  id: string;
  /** 0 to 100. */
  score: number;
  /** What a person reads. Never a part of the judged text. */
  reason: string;
  /** Where in the judged text, as character offsets. */
  span?: [number, number];
}

export type Verdict = "allow" | "review" | "block";

export interface Decision {
  verdict: Verdict;
  /** The highest-scoring finding decides; 0 when there are none. */
  score: number;
  /** Highest score first: the first one decided. */
  findings: Finding[];
  /** Text with what must not leave replaced, for `screen` of outbound text. Absent when nothing was replaced. */
  text?: string;
  /** The record of this decision; absent for what was simply allowed. */
  id?: string;
  /** What would hold if the policy did not only watch; absent where it enforces. */
  watched?: Verdict;
}

export interface ScreenContext {
  direction: "inbound" | "outbound";
  origin: Origin;
  sessionKey?: string;
  runId?: string;
  /** Who wrote it, as far as known: a device, a sender. For the record. */
  actor?: string;
  agentId?: string;
  channel?: string;
  /** Whose model it goes to or comes from; policy may differ by it. */
  provider?: string;
  model?: string;
}

/** Masks an answer while it is streamed. What could still become a credential is held back for the next piece. */
export interface OutboundStream {
  /** Takes the next piece and gives what may be sent now. */
  push(piece: string): string;
  /** The rest, once nothing follows. */
  end(): string;
}

/** Something that is about to take effect. `origin` in the context says whose words led to it. */
export type Action =
  | { kind: "tool"; name: string; args: Record<string, unknown> }
  /** `argv` when no shell reads it; `env` holds only what the caller adds. */
  | {
      kind: "command";
      command: string;
      argv?: readonly string[];
      cwd: string;
      env?: Readonly<Record<string, string>>;
      host: "gateway" | "node" | "sandbox";
    }
  /** `path` absolute and resolved; `root` is the folder that may be written to without question. */
  | { kind: "file-write"; path: string; root: string; bytes: number; content?: Uint8Array }
  /** One file of what is installed: `source` says from where, `path` where it goes, relative to `source`'s own folder. */
  | { kind: "install"; source: string; path: string; content?: Uint8Array }
  /** `isConfigured` where the operator's configuration names the host, so that it may be inside a private network. */
  | { kind: "url"; url: string; method: string; isConfigured?: true }
  | { kind: "node-invoke"; nodeId: string; command: string; params: unknown }
  | { kind: "outbound-message"; channel: string; target: string; text: string };

export interface ActionContext {
  origin: Origin;
  agentId?: string;
  sessionKey?: string;
  runId?: string;
  actor?: string;
  channel?: string;
  /** Whose model asks for it; policy may differ by it. */
  provider?: string;
  model?: string;
  /** The agent's workspace, absolute. */
  workspace?: string;
  /** Whose words the turn has heard; absent where an action has no turn. */
  turn?: TurnWords;
  /** A person has seen this very call and agreed. */
  isAgreed?: boolean;
}

/** What the gateway and the turns ask of the defender. Implemented by `defender/defender.ts`. */
export interface DefenderPort {
  /**
   * Judges a text before it takes effect: an inbound message, a tool result, an outbound answer. A decision to review
   * or block is on disk when the promise resolves. Never rejects: a guard that fails leads to `review`.
   * Inbound, `block` means that no model may see the text; `review` means that a person has to agree, or where nobody
   * can be asked that only the owner's own words pass. Outbound, `text` replaces the answer when it is there.
   */
  screen(text: string, context: ScreenContext): Promise<Decision>;
  /**
   * Judges what is about to be done. A decision to review or block is on disk when the promise resolves. Never
   * rejects: a guard that fails leads to `review`. `block` is refused with the first finding's reason; `review` needs a
   * person's approval, and is refused where nobody can be asked.
   */
  judge(action: Action, context: ActionContext): Promise<Decision>;
  /**
   * Begins to mask one streamed answer. Nothing is recorded here: give the whole answer to `screen` when it has ended.
   * The streamed text is the same that `screen` returns.
   */
  stream(): OutboundStream;
}
