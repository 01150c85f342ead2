/** A message of the request as both wire formats have it: who speaks, and the text. */
export interface ScriptMessage {
  role: "user" | "assistant" | "tool" | "other";
  text: string;
}

/** A tool call as the script asks for it. */
export interface ScriptCall {
  name: string;
  args: string;
}

/** What the model does in answer to a request. */
export type Reply =
  /** `delayMs` passes between the words. */
  | { kind: "text"; text: string; delayMs: number }
  /** Calls; `args` is sent as it was written, valid JSON or not. */
  | { kind: "tool"; calls: ScriptCall[] }
  | { kind: "failure"; status: number; message: string };

const LONGEST_DELAY_MS = 60_000;
const LONGEST_ECHO = 400;
const LONGEST_TOOL_ECHO = 120;

/**
 * The answer to a conversation, decided by its last user text alone, so that the same words always get the same
 * answer. A line that starts with one of these is a directive; the rest of the text belongs to it:
 *
 * - `TOOL:<name> <json>` calls the tool, and answers `tool-result: <first line>` once its result is there
 * - `STEPS:<json>` makes the calls of each step in turn, `[[{"name": "read", "args": {}}], …]`, several of one step in
 *   one answer, and then answers as `TOOL:` does
 * - `QUIET:<json>` makes the same calls and then answers without text, whatever else is said in the conversation
 * - `OBEY:<name> <json>` calls the tool, and then makes the call that its result orders with a line
 *   `ORDER <name> <json>`: a model that takes what it reads for orders. Another line `ORDER` of the next result is obeyed too
 * - `SLOW:<ms> <text>` echoes with a pause between words
 * - `FAIL:<status> <message>` answers with an HTTP error
 * - `EMPTY:` answers without text
 *
 * Everything else is answered `echo: <first line>`.
 */
export function replyTo(messages: readonly ScriptMessage[]): Reply {
  const quiet = messages.findIndex(({ role, text }) => role === "user" && typed(text).startsWith("QUIET:"));
  const at = quiet >= 0 ? quiet : messages.findLastIndex(({ role, text }) => role === "user" && typed(text) !== "");
  const text = at < 0 ? "" : typed(messages[at]!.text);
  const directive = /(?:^|\n)(TOOL|STEPS|OBEY|QUIET|SLOW|FAIL|EMPTY):[ \t]*([\w.-]*)[ \t]*([\s\S]*)$/.exec(text);
  if (directive === null) return echo(firstLine(text.replace(/^\[cron:[^\]]*\]\s*/, ""), LONGEST_ECHO));
  const [, name, word = "", rest = ""] = directive;
  switch (name) {
    case "TOOL": {
      const result = messages.slice(at + 1).findLast(({ role }) => role === "tool");
      if (result === undefined) return { kind: "tool", calls: [{ name: word, args: rest.trim() || "{}" }] };
      return say(`tool-result: ${firstLine(result.text, LONGEST_TOOL_ECHO)}`);
    }
    case "OBEY": {
      const result = messages.slice(at + 1).findLast(({ role }) => role === "tool");
      if (result === undefined) return { kind: "tool", calls: [{ name: word, args: rest.trim() || "{}" }] };
      const order = /^ORDER ([\w.-]+) (\{.*\})$/m.exec(result.text);
      if (order) return { kind: "tool", calls: [{ name: order[1]!, args: order[2]! }] };
      return say(`tool-result: ${firstLine(result.text, LONGEST_TOOL_ECHO)}`);
    }
    case "QUIET":
    case "STEPS": {
      const after = messages.slice(at + 1);
      const step = stepsOf(rest)[after.filter(({ role }) => role === "assistant").length];
      if (step !== undefined) return { kind: "tool", calls: step };
      if (name === "QUIET") return say("");
      return say(
        `tool-result: ${firstLine(after.findLast(({ role }) => role === "tool")?.text ?? "", LONGEST_TOOL_ECHO)}`,
      );
    }
    case "SLOW":
      return { ...echo(rest), delayMs: Math.min(Number(word) || 0, LONGEST_DELAY_MS) };
    case "FAIL":
      return { kind: "failure", status: Number(word) || 500, message: rest || "the model server was told to fail" };
    default:
      return say("");
  }
}

function stepsOf(text: string): ScriptCall[][] {
  try {
    const steps = JSON.parse(text) as { name: string; args?: unknown }[][];
    return steps.map((calls) => calls.map(({ name, args }) => ({ name, args: JSON.stringify(args ?? {}) })));
  } catch {
    return [];
  }
}

const say = (text: string): Extract<Reply, { kind: "text" }> => ({ kind: "text", text, delayMs: 0 });
const echo = (text: string): Extract<Reply, { kind: "text" }> => say(`echo: ${text}`);
const firstLine = (text: string, length: number): string => text.split("\n", 1)[0]!.slice(0, length);

/**
 * What a person typed, without what gateways put around it for the model: blocks of internal context, a closing
 * line about the runtime, a time stamp in front.
 */
function typed(text: string): string {
  return text
    .replace(/<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>[\s\S]*?<<<END_OPENCLAW_INTERNAL_CONTEXT>>>/g, "")
    .replace(/\n\nRuntime: agent=[^\n]*/g, "")
    .trim()
    .replace(/^\[[A-Z][a-z]{2} \d{4}-\d{2}-\d{2} [^\]]*\]\s*/, "")
    .trim();
}
