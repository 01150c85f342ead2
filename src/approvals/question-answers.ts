import type { Question, QuestionRequestParams } from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";

/** Refuses questions that nobody could answer. @throws GatewayError in upstream's words (measured on 2026.9.6) */
export function checkQuestions(questions: QuestionRequestParams["questions"]): void {
  const ids = new Set<string>();
  for (const { questionId: id, options, isSecret, secretStore } of questions) {
    if (ids.has(id)) throw invalidRequest(`duplicate question id '${id}'`);
    ids.add(id);
    if (secretStore !== undefined) {
      throw invalidRequest("secret store questions require trusted agent runtime authority");
    }
    // An answer is shown to everybody who may answer, and stored.
    if (isSecret) throw invalidRequest(`question '${id}': secret questions are not supported yet`);
    if (options.length === 1 || options.length > 4) {
      throw invalidRequest(`question '${id}' must have either no options or 2 to 4 options`);
    }
    const labels = new Set<string>();
    for (const { label } of options) {
      if (labels.has(label)) throw invalidRequest(`question '${id}' has duplicate option label '${label}'`);
      labels.add(label);
    }
  }
}

/**
 * The answers to all questions, without blanks around them: one of the options, or free text where the question has
 * none or admits others; several only where it says so.
 * @throws GatewayError with details `{reason: "QUESTION_INVALID_ANSWER"}`
 */
export function checkedAnswers(
  questions: readonly Question[],
  answers: Readonly<Record<string, unknown>>,
): Record<string, string[]> {
  const unknown = Object.keys(answers).find((id) => !questions.some(({ questionId }) => questionId === id));
  if (unknown !== undefined) throw invalidAnswer(`question '${unknown}' is not part of this request`);
  return Object.fromEntries(questions.map((question) => [question.questionId, checked(question, answers)]));
}

function checked(question: Question, answers: Readonly<Record<string, unknown>>): string[] {
  const { questionId: id, options, isOther, multiSelect } = question;
  const given = Object.hasOwn(answers, id) ? (answers[id] as string[]) : [];
  if (given.length === 0) throw invalidAnswer(`question '${id}' requires an answer`);
  if (given.length > 1 && !multiSelect) throw invalidAnswer(`question '${id}' does not allow multiple answers`);
  const values = given.map((value) => value.trim());
  if (values.includes("")) throw invalidAnswer(`question '${id}' contains an empty answer`);
  const isKnown = (value: string): boolean => options.some(({ label }) => label.trim() === value);
  if (options.length > 0 && !isOther && !values.every(isKnown)) {
    throw invalidAnswer(`question '${id}' contains an unknown option`);
  }
  return values;
}

const invalidAnswer = (message: string): Error => invalidRequest(message, { reason: "QUESTION_INVALID_ANSWER" });
