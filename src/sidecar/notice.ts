import type { Finding, Origin, ScreenContext, Verdict } from "../defender/types.ts";
import type { Outcome } from "./answer-repository.ts";
import type { AskedKind } from "./asked.ts";

/** What a sidecar tells of its work, as it happens. */
export type Notice =
  /** `protocol` is the wire version that both speak. */
  | { event: "attached"; url: string; protocol: number; version: string }
  /** Null when no other attempt is made. */
  | { event: "detached"; reason: string; retryInMs: number | null }
  /** The gateway's people have to agree first. */
  | { event: "pairing-required"; deviceId: string; requestId?: string }
  | {
      event: "approval";
      kind: AskedKind;
      id: string;
      sessionKey?: string;
      /** What it is about, shortened, credentials masked. */
      about: string;
      verdict: Verdict;
      outcome: Outcome;
      score: number;
      findings: Finding[];
      decisionId?: string;
    }
  /** A text that was more than simply allowed; it has passed already. */
  | {
      event: "text";
      sessionKey: string;
      direction: ScreenContext["direction"];
      origin: Origin;
      verdict: Verdict;
      score: number;
      findings: Finding[];
      decisionId?: string;
    }
  /** Something that people should know: what was asked and could not be done. */
  | { event: "trouble"; message: string }
  | { event: "stopped"; approvals: Partial<Record<Outcome, number>>; texts: number };

export type NoticeOf<E extends Notice["event"]> = Extract<Notice, { event: E }>;

/** Hears notices. */
export type Tell = (notice: Notice) => void;
