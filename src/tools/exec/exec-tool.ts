import type { AgentCatalogue } from "../../agents/catalogue.ts";
import type { ConfigPort } from "../../config/types.ts";
import { dict } from "../../models/settings.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Tool, ToolContext, ToolResult } from "../types.ts";
import type { Completions } from "./completion.ts";
import { hostEnvironment } from "./environment.ts";
import { type ExecCall, folder, noFolder, PARAMETERS, readCall } from "./exec-args.ts";
import type { Gatekeeper } from "./gatekeeper.ts";
import type { ProcessSession } from "./process-session.ts";
import type { Processes } from "./processes.ts";
import { ExecRefusal, finished, notStarted, refused, running, soFar } from "./results.ts";
import { type ExecSettings, execSettings } from "./settings.ts";

export interface ExecToolDeps {
  processes: Processes;
  gatekeeper: Gatekeeper;
  completions: Completions;
  config: ConfigPort;
  agents: Pick<AgentCatalogue, "find">;
  clock: Clock;
  /** The gateway's own environment, of which commands get a part. */
  env(): Readonly<Record<string, string | undefined>>;
  limits: { execCommandChars: number };
}

/** Runs commands (docs: tools/exec; texts as measured on 2026.9.6). */
export function execTool(deps: ExecToolDeps): Tool {
  return {
    name: "exec",
    description:
      "Runs a shell command and gives what it says and its exit code. One that takes long goes on in the background; the answer then names a session for the process tool, and the end wakes this session. Use pty=true for programs that want a terminal. Quote arguments with characters that mean something to a shell. Not for waiting or reminding.",
    parameters: PARAMETERS,
    run: async (args, context) => {
      try {
        return await perform(deps, args, context);
      } catch (error) {
        if (error instanceof ExecRefusal) return refused(error.message);
        throw error;
      }
    },
  };
}

async function perform(deps: ExecToolDeps, args: Record<string, unknown>, context: ToolContext): Promise<ToolResult> {
  const { config, agents, limits, gatekeeper, clock } = deps;
  const startedAt = clock.now();
  const settings = execSettings(config.current, agents.find(context.agentId)?.raw);
  const call = readCall(args, settings, limits.execCommandChars);
  requireElevation(call, context, config.current);
  requireHost(call, context, settings);
  const cwd = folder(call.workdir, context.workspace);
  if (cwd === null) return notStarted(noFolder(call.workdir), call.workdir, startedAt, clock.now());
  const env = hostEnvironment(deps.env(), call.env, settings.pathPrepend);
  const permit = await gatekeeper.permit({ call, cwd, env, settings, context });
  if ("denied" in permit) return permit.denied;
  return run(deps, { call, cwd, env, argv: permit.argv, settings, context });
}

/** Without a sandbox there is nothing to leave; with one, only who is named in the configuration leaves it. */
function requireElevation({ elevated }: ExecCall, context: ToolContext, config: object): void {
  if (!elevated) return;
  const { enabled, allowFrom } = dict(dict((config as Record<string, unknown>).tools).elevated);
  const provider = context.channel ?? "webchat";
  const listed = dict(allowFrom)[provider];
  const isAllowed = context.isOwner && Array.isArray(listed) && listed.includes("*");
  const failing = [
    ...(enabled === false ? ["enabled (tools.elevated.enabled / agents.entries.*.tools.elevated.enabled)"] : []),
    ...(isAllowed
      ? []
      : ["allowFrom (tools.elevated.allowFrom.<provider> / agents.entries.*.tools.elevated.allowFrom.<provider>)"]),
  ];
  if (failing.length === 0) return;
  throw new ExecRefusal(
    [
      `elevated is not available right now (runtime=${context.isSandboxed ? "sandboxed" : "direct"}).`,
      `Failing gates: ${failing.join(", ")}`,
      `Context: provider=${provider} session=${context.sessionKey}`,
      "Fix-it keys:",
      "- tools.elevated.enabled",
      "- tools.elevated.allowFrom.<provider>",
      "- agents.entries.*.tools.elevated.enabled",
      "- agents.entries.*.tools.elevated.allowFrom.<provider>",
    ].join("\n"),
  );
}

function requireHost({ host }: ExecCall, { isSandboxed }: ToolContext, settings: ExecSettings): void {
  const wanted = host === "auto" ? settings.host : host;
  if (isSandboxed) throw new ExecRefusal("There is no sandbox on this machine, and this session may not leave one.");
  if (wanted === "sandbox") {
    throw new ExecRefusal(
      'exec host=sandbox requires a sandbox runtime for this session.\nEnable sandbox mode (`agents.defaults.sandbox.mode="non-main"` or `"all"`) or use host=auto/gateway/node.',
    );
  }
  if (wanted === "node") {
    throw new ExecRefusal(
      "exec host=node requires a paired node (none available). This requires a companion app or node host.",
    );
  }
}

interface Run {
  call: ExecCall;
  cwd: string;
  env: Record<string, string>;
  argv: readonly string[];
  settings: ExecSettings;
  context: ToolContext;
}

async function run(deps: ExecToolDeps, { call, cwd, env, argv, settings, context }: Run): Promise<ToolResult> {
  const { processes, completions, clock } = deps;
  const { agentId, sessionKey, signal } = context;
  const { timeoutSeconds, command, pty, yieldMs } = call;
  signal.throwIfAborted();
  const startedAt = clock.now();
  let session: ProcessSession;
  try {
    session = processes.start({
      agentId,
      sessionKey,
      command,
      cwd,
      timeoutMs: timeoutSeconds === 0 ? undefined : timeoutSeconds * 1000,
      cleanupMs: settings.cleanupMs,
      launch: { argv, cwd, env, pty },
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return notStarted(`The command could not be started: ${message}`, cwd, startedAt, clock.now());
  }
  session.onOutput = () => context.onUpdate(soFar(session));
  const isOver = await endedWithin(session, yieldMs, signal);
  session.onOutput = null;
  if (signal.aborted) {
    await session.stop("aborted");
    throw signal.reason;
  }
  if (isOver) return finished(session, await session.ended, timeoutSeconds);
  processes.background(session, () => completions.ended(session, settings));
  return running(session);
}

/** True when the command has ended within the time. */
async function endedWithin(session: ProcessSession, ms: number, signal: AbortSignal): Promise<boolean> {
  if (ms === 0 || signal.aborted) return false;
  let timer: Timer | undefined;
  let abort = (): void => {};
  const over = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
    abort = () => resolve(false);
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([session.ended.then(() => true), over]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
