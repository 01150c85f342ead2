import type { Clock } from "../../platform/clock.ts";
import { callDisplay } from "../../tools/display.ts";
import type { ToolResult } from "../../tools/types.ts";
import type { ToolCall } from "./answer.ts";
import type { RunEvents } from "./run-events.ts";

/** A call that is being told: its start is out. */
export interface ToldCall {
  update(partial: ToolResult): void;
  end(result: ToolResult): void;
}

/**
 * Tells a call in upstream's frames (measured on 2026.9.6): an `item` for everybody, a `tool` with what only some may
 * have, and for commands their output.
 */
export function toldCall(events: RunEvents, { id, name, arguments: args }: ToolCall, clock: Clock): ToldCall {
  const { title, meta, commandBearing } = callDisplay(name, args);
  const startedAt = clock.now();
  const about = { itemId: `tool:${id}`, toolCallId: id, name, kind: "tool" };
  const item = (phase: string, status: string, more: Record<string, unknown> = {}) =>
    events.item({ ...about, phase, title, status, ...(meta ? { meta } : {}), commandBearing, ...more });
  const output = (phase: string, more: Record<string, unknown>) =>
    events.commandOutput({
      itemId: `command:${id}`,
      phase,
      title: `command ${meta ?? name}`,
      toolCallId: id,
      name,
      ...more,
    });
  item("start", "running", { startedAt });
  events.tool({ phase: "start", name, toolCallId: id, args });
  return {
    update(partial) {
      events.tool({ phase: "update", name, toolCallId: id, partialResult: partial });
      item("update", "running");
      if (commandBearing) output("delta", { output: textOf(partial), status: "running" });
    },
    end(result) {
      const isError = result.isError === true;
      const { content, details = {} } = result;
      const told = { content, details };
      events.tool({
        phase: "result",
        name,
        toolCallId: id,
        ...(meta ? { meta } : {}),
        isError,
        commandBearing,
        result: told,
      });
      const status = !isError ? "completed" : Object.keys(details).length === 0 ? "blocked" : "failed";
      const error = isError ? { error: errorOf(result) } : {};
      item("end", status, { startedAt, endedAt: clock.now(), ...error });
      if (commandBearing && typeof details.durationMs === "number") {
        const { exitCode = null, durationMs, cwd } = details;
        output("end", { output: textOf(result), status, exitCode, durationMs, ...(cwd ? { cwd } : {}) });
      }
    },
  };
}

const textOf = ({ content }: ToolResult): string =>
  content
    .flatMap((part) => (part.type === "text" ? [part.text] : []))
    .join("\n")
    .trimEnd();

/** The first line of what went wrong. */
function errorOf({ content, details }: ToolResult): string {
  const [first] = content;
  const text = typeof details?.error === "string" ? details.error : first?.type === "text" ? first.text : "";
  return text.split("\n", 1)[0]!;
}
