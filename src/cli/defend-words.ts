import type { Finding } from "../defender/types.ts";
import { printable } from "./text.ts";

/** A verdict with the score that led to it. */
export const verdictWords = (verdict: string, score: number): string => `${verdict} (${score} of 100)`;

/** A finding as all commands of the defender show it. */
export const findingLine = ({ id, score, reason }: Finding): string =>
  `${String(score).padStart(3)}  ${id}: ${printable(reason)}`;
