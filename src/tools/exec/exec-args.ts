import { statSync } from "node:fs";
import { resolve } from "node:path";
import { checkedVariables } from "./environment.ts";
import { ExecRefusal } from "./results.ts";
import { askOf, type ExecAsk, type ExecHost, type ExecSettings } from "./settings.ts";

/** What one call asks for, checked. */
export interface ExecCall {
  command: string;
  /** As given; empty when the default is meant. */
  workdir: string;
  env: Record<string, string>;
  host: ExecHost;
  node?: string;
  ask?: ExecAsk;
  pty: boolean;
  elevated: boolean;
  /** Milliseconds until it goes on in the background; 0 at once. */
  yieldMs: number;
  timeoutSeconds: number;
}

export const PARAMETERS = {
  type: "object",
  required: ["command"],
  properties: {
    title: { type: "string", maxLength: 120, description: "In a few words what the command is for. No secrets." },
    command: { type: "string", description: "The command, for a shell." },
    workdir: { type: "string", description: "Folder to run in, taken literally. Without it the workspace." },
    env: {
      type: "object",
      patternProperties: { "^.*$": { type: "string" } },
      description: "Variables to set, taken literally.",
    },
    yieldMs: { type: "number", description: "Milliseconds to wait before it goes on in the background; 10000." },
    background: { type: "boolean", description: "Go on in the background at once." },
    timeoutSeconds: { type: "number", description: "Seconds that it may live, also in the background; 0 for ever." },
    pty: { type: "boolean", description: "Give it a terminal, for programs that want one." },
    elevated: { type: "boolean", description: "Leave the sandbox, where that is allowed." },
    host: { type: "string", enum: ["auto", "sandbox", "gateway", "node"], description: "Where; auto unless told." },
    ask: { type: "string", description: "off, on-miss or always: asks for stricter approval than is configured." },
    node: { type: "string", description: "Id or name of the node, for host=node." },
  },
};

const MIN_YIELD_MS = 10;
const MAX_YIELD_MS = 120_000;
const MAX_TIMEOUT_SECONDS = 2_000_000;

/** @throws ExecRefusal for what may not be asked for */
export function readCall(args: Record<string, unknown>, settings: ExecSettings, maxChars: number): ExecCall {
  const command = String(args.command ?? "");
  if (command.length > maxChars) throw new ExecRefusal(`command is longer than ${maxChars} characters`);
  if (command.includes("\0")) throw new ExecRefusal("command holds a NUL character");
  refuseForeign(command);
  const { backgroundMs, timeoutSeconds } = settings;
  const yieldMs = typeof args.yieldMs === "number" ? args.yieldMs : backgroundMs;
  return {
    command,
    workdir: typeof args.workdir === "string" ? args.workdir : "",
    env: checkedVariables(args.env),
    host: (args.host as ExecHost | undefined) ?? "auto",
    ...(typeof args.node === "string" && args.node.trim() !== "" && { node: args.node.trim() }),
    ask: askOf(args.ask),
    pty: args.pty === true,
    elevated: args.elevated === true,
    yieldMs: args.background === true ? 0 : Math.min(MAX_YIELD_MS, Math.max(MIN_YIELD_MS, yieldMs)),
    timeoutSeconds: lifetime(args.timeoutSeconds, timeoutSeconds),
  };
}

/** Commands that are for people: a shell does not know them, or waits for somebody at a terminal. */
function refuseForeign(command: string): void {
  if (/^\s*\/approve(\s|$)/.test(command)) {
    throw new ExecRefusal(
      "exec cannot run /approve commands. Show the /approve command to the user as chat text, or route it through the approval command handler instead of shell execution.",
    );
  }
  if (/(^|[;&|(]\s*)(openclaw|chela)\s+channels\s+login(\s|$)/.test(command)) {
    throw new ExecRefusal(
      "exec cannot run interactive OpenClaw channel login commands. Run `openclaw channels login` in a terminal on the gateway host, or use the channel-specific login agent tool when available (for WhatsApp: `whatsapp_login`).",
    );
  }
}

const lifetime = (given: unknown, otherwise: number): number => {
  const seconds = typeof given === "number" && given >= 0 ? given : otherwise;
  return Math.min(seconds, MAX_TIMEOUT_SECONDS);
};

/** The folder to run in, absolute, or null when it is none. */
export function folder(workdir: string, workspace: string): string | null {
  const path = workdir === "" ? workspace : workdir.trim() === "" ? null : resolve(workspace, workdir);
  if (path === null) return null;
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? path : null;
}

export const noFolder = (workdir: string): string =>
  `workdir "${workdir}" is unavailable or not a directory: command was not executed. workdir is treated as a literal path; shell expansions such as "~" are not applied. Use an existing directory, omit an explicit workdir to use the default cwd, or update the configured default cwd.`;
