import type { QuestionRequestQuestion } from "../../../generated/types.ts";
import type { Questions } from "../../approvals/questions.ts";
import { asked, object } from "../domain.ts";
import { jsonResult, type Tool } from "../types.ts";

/** Seconds that people are waited for (docs: tools/ask-user). */
const DEFAULT_WAIT = 900;
const LEAST_WAIT = 30;
const MOST_WAIT = 3600;
const HEADER_CHARS = 12;

const QUESTION = object(
  {
    id: { type: "string", pattern: "^[a-z][a-z0-9_]*$" },
    header: { type: "string", minLength: 1, description: "A word or two." },
    question: { type: "string", minLength: 1 },
    options: {
      type: "array",
      minItems: 2,
      maxItems: 4,
      items: object({ label: { type: "string", minLength: 1 }, description: { type: "string" } }, ["label"]),
    },
    multiSelect: { type: "boolean" },
  },
  ["id", "header", "question", "options"],
);

type Asked = Omit<QuestionRequestQuestion, "questionId"> & { id: string };

/** `ask_user`: asks the people at the gateway and waits for their answer. */
export function askUserTool(questions: Questions): Tool {
  return {
    name: "ask_user",
    description:
      "Asks the user one to three questions with two to four choices each, and waits for the answer. Only for decisions that are the user's and that the request does not settle; never to confirm a plan. Put the choice that you would make first. Free text is always possible. When nobody answers (no_answer), go on with your best judgement.",
    parameters: object(
      {
        questions: { type: "array", minItems: 1, maxItems: 3, items: QUESTION },
        timeoutSeconds: {
          type: "integer",
          description: `Default ${DEFAULT_WAIT}, from ${LEAST_WAIT} to ${MOST_WAIT}.`,
        },
      },
      ["questions"],
    ),
    async run({ questions: wanted, timeoutSeconds = DEFAULT_WAIT }, { agentId, sessionKey, runId, signal }) {
      const timeoutMs = 1000 * Math.min(Math.max(Number(timeoutSeconds), LEAST_WAIT), MOST_WAIT);
      const list = (wanted as Asked[]).map(({ id: questionId, header, ...each }) => ({
        questionId,
        header: header.slice(0, HEADER_CHARS),
        ...each,
      }));
      const { id } = await asked(questions.request({ questions: list, agentId, sessionKey, runId, timeoutMs }));
      const withdraw = () => void questions.resolve({ id, cancel: true }).catch(() => {});
      signal.addEventListener("abort", withdraw, { once: true });
      try {
        const answer = await asked(questions.wait({ id, timeoutMs }, signal));
        signal.throwIfAborted();
        if (answer.status === "answered") return jsonResult({ ...answer });
        return jsonResult({ status: "no_answer", reason: answer.status });
      } finally {
        signal.removeEventListener("abort", withdraw);
      }
    },
  };
}
