/** Where a text or an action comes from: the same sentence is an order from the owner and an attack from a web page. */
export type Origin = "owner" | "paired-user" | "channel-stranger" | "tool-result" | "web" | "mail" | "file" | "model";

export interface Finding {
  /** Stable name of the rule, for instance `prompt.role-marker`. */
  id: string;
  /** 0 to 100. */
  score: number;
  /** What a person reads. */
  reason: string;
  /** Where in the judged text, as character offsets. */
  span?: [number, number];
}

export interface Decision {
  verdict: "allow" | "review" | "block";
  /** The highest-scoring finding decides; 0 when there are none. */
  score: number;
  findings: Finding[];
  /** Text with what must not leave replaced, for `screen` of outbound text. */
  text?: string;
}

/** What the gateway and the turns ask of the defender. Implemented by `defender/defender.ts`. */
export interface DefenderPort {
  /** Judges a text before it takes effect: an inbound message, a tool result, an outbound answer. */
  screen(
    text: string,
    context: { direction: "inbound" | "outbound"; origin: Origin; sessionKey?: string; runId?: string; actor?: string },
  ): Promise<Decision>;
}
