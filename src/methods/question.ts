import type { QuestionHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const question: QuestionHandlers<CallContext> = {
  "question.request": (params, { questions }) => questions.request(params),
  "question.list": (_params, { questions }) => questions.list(),
  "question.get": ({ id }, { questions }) => questions.get(id),
  "question.waitAnswer": (params, { questions, signal }) => questions.wait(params, signal),
  "question.resolve": (params, { questions }) => questions.resolve(params),
};
