import type { WordClass } from "./lexicon.ts";

/** What kind of sign something is; how much it weighs depends on who speaks (`origins.ts`). */
export type Family =
  | "override"
  | "extraction"
  | "persona"
  | "addressed"
  | "concealment"
  | "exfiltration"
  | "structure"
  | "smuggling"
  | "learned";

/** A request in word classes, and what it is a sign of. */
export interface Phrase {
  id: string;
  family: Family;
  weight: number;
  reason: string;
  /** Word classes in the order in which they occur; further words may stand between them. */
  parts: readonly WordClass[];
  /** One of these must occur within the match. */
  also?: readonly WordClass[];
  /** Counts less when the sentence reports rather than asks: "attackers can ask a model to ignore …". */
  request?: true;
  /** Between the first and the last word; 8 unless told. */
  within?: number;
}

const OVERRIDE = "Tells the assistant to ignore its instructions.";
const EXTRACT = "Asks for the assistant's hidden instructions.";
const SECRETS = "Asks for credentials.";
const CONCEAL = "Tells the assistant to keep something from the user.";
const ADDRESSED = "Speaks to the assistant from inside a text that should only inform.";
const PERSONA = "Gives the assistant a role without its rules.";
const SENDS = "Asks to send credentials or private text away.";

/** Weights were chosen by meaning, then checked on labelled texts and on documentation. */
export const PHRASES: readonly Phrase[] = [
  {
    id: "ignore-prior-rules",
    family: "override",
    weight: 85,
    reason: OVERRIDE,
    parts: ["ignore", "rules"],
    also: ["prior", "your"],
    within: 7,
    request: true,
  },
  {
    id: "ignore-prior-context",
    family: "override",
    weight: 65,
    reason: OVERRIDE,
    parts: ["ignore", "memory"],
    also: ["prior", "told"],
    request: true,
  },
  {
    id: "ignore-prior-context",
    family: "override",
    weight: 65,
    reason: OVERRIDE,
    parts: ["ignore", "every", "prior"],
    request: true,
    within: 5,
  },
  {
    id: "ignore-prior-context",
    family: "override",
    weight: 65,
    reason: OVERRIDE,
    parts: ["ignore", "every", "told"],
    request: true,
    within: 7,
  },
  {
    id: "ignore-all-rules",
    family: "override",
    weight: 45,
    reason: OVERRIDE,
    parts: ["ignore", "every", "rules"],
    request: true,
    within: 5,
  },
  {
    id: "bypass-your-rules",
    family: "override",
    weight: 70,
    reason: OVERRIDE,
    parts: ["bypass", "your", "rules"],
    request: true,
    within: 6,
  },
  {
    id: "bypass-prior-rules",
    family: "override",
    weight: 60,
    reason: OVERRIDE,
    parts: ["bypass", "prior", "rules"],
    request: true,
    within: 6,
  },
  {
    id: "do-not-follow",
    family: "override",
    weight: 75,
    reason: OVERRIDE,
    parts: ["not", "follow", "rules"],
    also: ["prior", "your"],
    request: true,
  },
  {
    id: "new-rules",
    family: "override",
    weight: 40,
    reason: "Announces new instructions.",
    parts: ["your", "new", "rules"],
    within: 4,
  },
  {
    id: "strict-new-rules",
    family: "override",
    weight: 45,
    reason: "Demands that new instructions be followed.",
    parts: ["strictly", "follow", "new", "rules"],
    within: 9,
  },
  {
    id: "strict-new-rules",
    family: "override",
    weight: 45,
    reason: "Demands that new instructions be followed.",
    parts: ["follow", "new", "rules", "strictly"],
    within: 9,
  },

  {
    id: "show-system-prompt",
    family: "extraction",
    weight: 62,
    reason: EXTRACT,
    parts: ["show", "system", "prompt"],
    request: true,
  },
  {
    id: "show-your-prompt",
    family: "extraction",
    weight: 62,
    reason: EXTRACT,
    parts: ["show", "your", "prompt"],
    request: true,
    within: 6,
  },
  {
    id: "show-your-prompt",
    family: "extraction",
    weight: 62,
    reason: EXTRACT,
    parts: ["say", "your", "prompt"],
    request: true,
    within: 5,
  },
  {
    id: "show-prior-prompt",
    family: "extraction",
    weight: 58,
    reason: EXTRACT,
    parts: ["show", "prior"],
    also: ["memory", "prompt"],
    request: true,
    within: 6,
  },
  {
    id: "show-prior-prompt",
    family: "extraction",
    weight: 58,
    reason: EXTRACT,
    parts: ["show", "memory", "prior"],
    request: true,
    within: 5,
  },
  {
    id: "show-prior-prompt",
    family: "extraction",
    weight: 58,
    reason: EXTRACT,
    parts: ["show", "prompt", "prior"],
    request: true,
    within: 6,
  },
  {
    id: "what-prompt",
    family: "extraction",
    weight: 56,
    reason: EXTRACT,
    parts: ["what", "your", "prompt"],
    within: 6,
  },
  {
    id: "what-prompt",
    family: "extraction",
    weight: 56,
    reason: EXTRACT,
    parts: ["what", "were", "prompt"],
    also: ["prior", "system", "your"],
    within: 7,
  },
  {
    id: "what-told",
    family: "extraction",
    weight: 56,
    reason: EXTRACT,
    parts: ["what", "were", "you", "told"],
    within: 6,
  },
  {
    id: "ask-own-credential",
    family: "extraction",
    weight: 56,
    reason: SECRETS,
    parts: ["show", "your", "credential"],
    request: true,
    within: 6,
  },
  {
    id: "ask-own-credential",
    family: "extraction",
    weight: 56,
    reason: SECRETS,
    parts: ["what", "your", "credential"],
    within: 5,
  },

  {
    id: "conceal",
    family: "concealment",
    weight: 55,
    reason: CONCEAL,
    parts: ["not", "tell", "user"],
    within: 5,
    request: true,
  },
  {
    id: "send-credential",
    family: "exfiltration",
    weight: 40,
    reason: SENDS,
    parts: ["send", "your", "credential"],
    within: 8,
    request: true,
  },
  {
    id: "send-any-credential",
    family: "exfiltration",
    weight: 28,
    reason: SENDS,
    parts: ["send", "credential"],
    within: 5,
    request: true,
  },

  { id: "note-to-ai", family: "addressed", weight: 45, reason: ADDRESSED, parts: ["note", "ai"], within: 4 },
  {
    id: "ai-must",
    family: "addressed",
    weight: 35,
    reason: ADDRESSED,
    parts: ["ai", "must"],
    also: ["your", "you", "follow", "ignore"],
    within: 7,
  },
  {
    id: "ignore-and-say",
    family: "addressed",
    weight: 40,
    reason: ADDRESSED,
    parts: ["ignore", "say"],
    within: 7,
    request: true,
  },

  {
    id: "mode",
    family: "persona",
    weight: 40,
    reason: "Puts the assistant into another mode.",
    parts: ["you", "mode"],
    within: 9,
  },
  { id: "mode", family: "persona", weight: 28, reason: "Names a mode without rules.", parts: ["mode"] },
  { id: "without-rules", family: "persona", weight: 42, reason: PERSONA, parts: ["free", "fetters"], within: 6 },
  { id: "against-ethics", family: "persona", weight: 38, reason: PERSONA, parts: ["ignore", "fetters"], within: 5 },
  {
    id: "against-ethics",
    family: "persona",
    weight: 38,
    reason: PERSONA,
    parts: ["bypass", "every", "fetters"],
    within: 5,
  },
  {
    id: "never-refuse",
    family: "persona",
    weight: 35,
    reason: "Forbids the assistant to refuse.",
    parts: ["not", "refuse"],
    within: 4,
  },
  {
    id: "amoral",
    family: "persona",
    weight: 40,
    reason: "Asks for what an assistant refuses, one after another.",
    parts: ["amoral", "amoral"],
    within: 6,
  },
  {
    id: "persona",
    family: "persona",
    weight: 22,
    reason: "Gives the assistant a role.",
    parts: ["you", "become"],
    within: 6,
  },
  {
    id: "persona",
    family: "persona",
    weight: 22,
    reason: "Gives the assistant a role.",
    parts: ["become", "ai"],
    within: 8,
  },
  {
    id: "not-bound",
    family: "persona",
    weight: 35,
    reason: PERSONA,
    parts: ["not", "follow"],
    also: ["rules", "fetters"],
    within: 10,
  },
];
