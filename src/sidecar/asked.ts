import { commandLine, isShellRunning, saysTheSame } from "../approvals/command/words.ts";
import { field } from "../client/frames.ts";
import type { Action } from "../defender/types.ts";

export type AskedKind = "exec" | "plugin";

/** An approval that another gateway asks for, as far as it could be read. What is in `request` is checked where it is used. */
export interface Asked {
  kind: AskedKind;
  id: string;
  /** Epoch milliseconds of the gateway's clock. */
  expiresAtMs: number;
  request: Readonly<Record<string, unknown>>;
  sessionKey?: string;
  agentId?: string;
  runId?: string;
  channel?: string;
}

const MAX_ID_CHARS = 256;

/** Reads the payload of `exec.approval.requested` and its kin, or an entry of a list; null for what is none. */
export function askedFrom(kind: AskedKind, payload: unknown): Asked | null {
  const id = field(payload, "id");
  const request = field(payload, "request");
  const expiresAtMs = field(payload, "expiresAtMs");
  if (typeof id !== "string" || id === "" || id.length > MAX_ID_CHARS) return null;
  if (typeof request !== "object" || request === null || typeof expiresAtMs !== "number") return null;
  const facts = { sessionKey: "sessionKey", agentId: "agentId", runId: "runId", channel: "turnSourceChannel" };
  const known = Object.entries(facts).flatMap(([name, from]) => {
    const value = text(field(request, from));
    return value === undefined ? [] : [[name, value]];
  });
  return {
    kind,
    id,
    expiresAtMs,
    request: request as Record<string, unknown>,
    ...Object.fromEntries(known),
  };
}

/** Whether an answer is among those that the request allows. Older releases do not say; then all are. */
export function mayAnswer({ request }: Asked, decision: "allow-once" | "deny"): boolean {
  const { allowedDecisions } = request;
  return !Array.isArray(allowedDecisions) || allowedDecisions.includes(decision);
}

type Command = Extract<Action, { kind: "command" }>;

/** The command of an approval, as it would be run. `differs` when its text says something else than its arguments. */
export interface AskedCommand {
  action: Command;
  differs: boolean;
  /** Names of variables that are set; their values are not told. */
  variables: string[];
}

/** Null when the request names no command. Of two that differ the arguments count: they are what is run. */
export function commandOf({ request }: Asked): AskedCommand | null {
  const plan = request.systemRunPlan;
  const argv = words(field(plan, "argv")) ?? words(request.commandArgv);
  const shown = text(field(plan, "commandText")) ?? text(request.command);
  if (shown === undefined && argv === undefined) return null;
  const command = shown ?? commandLine(argv!);
  const differs = argv !== undefined && !saysTheSame(command, argv) && !isShellRunning(command, argv);
  const host = request.host === "node" ? "node" : request.host === "sandbox" ? "sandbox" : "gateway";
  const cwd = text(field(plan, "cwd")) ?? text(request.cwd) ?? "/";
  return {
    action: { kind: "command", command: differs ? commandLine(argv) : command, cwd, host, ...(argv && { argv }) },
    differs,
    variables: words(request.envKeys) ?? [],
  };
}

/** What a plugin says that it is about to do, in one text. */
export const pluginWords = ({ request }: Asked): string =>
  [request.title, request.description, request.detail].flatMap((part) => text(part) ?? []).join("\n");

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value.trim() !== "" ? value : undefined;

const words = (value: unknown): string[] | undefined =>
  Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === "string") ? value : undefined;
