import type { PollParams } from "../../../generated/types.ts";
import { GatewayError } from "../../platform/errors.ts";

const refused = (reason: string): GatewayError => new GatewayError("UNAVAILABLE", `Error: ${reason}`);

/** The poll as it is sent: trimmed, without blank options. @throws GatewayError in upstream's words (2026.9.6) */
export function checkPoll(params: PollParams) {
  const { maxSelections = 1, durationSeconds, durationHours, isAnonymous, silent } = params;
  const question = params.question.trim();
  const options = params.options.flatMap((option) => option.trim() || []);
  if (question === "") throw refused("Poll question is required");
  if (options.length < 2) throw refused("Poll requires at least 2 options");
  if (maxSelections > options.length) throw refused("maxSelections cannot exceed option count");
  if (durationSeconds !== undefined && durationHours !== undefined) {
    throw refused("durationSeconds and durationHours are mutually exclusive");
  }
  return { question, options, maxSelections, durationSeconds, durationHours, isAnonymous, silent };
}
