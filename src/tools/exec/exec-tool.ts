import type { AgentCatalogue } from "../../agents/catalogue.ts";
import type { ConfigPort } from "../../config/types.ts";
import { dict } from "../../models/settings.ts";
import type { Clock } from "../../platform/clock.ts";
import type { SessionsPort } from "../../sessions/types.ts";
import { NoSandbox, type Sandboxes } from "../sandbox/sandboxes.ts";
import type { Tool, ToolContext, ToolResult } from "../types.ts";
import type { Completions } from "./completion.ts";
import { hostEnvironment } from "./environment.ts";
import { type ExecCall, folder, noFolder, PARAMETERS, readCall } from "./exec-args.ts";
import type { Gatekeeper } from "./gatekeeper.ts";
import type { NodeExec } from "./node-exec.ts";
import type { ProcessSession } from "./process-session.ts";
import type { Processes } from "./processes.ts";
import { ExecRefusal, finished, notStarted, refused, running, soFar } from "./results.ts";
import { type ExecSettings, execSettings, forSession } from "./settings.ts";

export interface ExecToolDeps {
  processes: Processes;
  gatekeeper: Gatekeeper;
  sandboxes: Pick<Sandboxes, "launch">;
  nodeExec: Pick<NodeExec, "run">;
  completions: Completions;
  config: ConfigPort;
  agents: Pick<AgentCatalogue, "find">;
  sessions: Pick<SessionsPort, "find">;
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
  const { config, agents, sessions, limits, gatekeeper, clock } = deps;
  const startedAt = clock.now();
  const configured = execSettings(config.current, agents.find(context.agentId)?.raw);
  // Read for every command: a change of permissions counts from the next one on.
  const settings = forSession(configured, (await sessions.find(context.sessionKey))?.tools);
  const call = readCall(args, settings, limits.execCommandChars);
  requireElevation(call, context, config.current);
  const host = hostOf(call, context, settings);
  if (host === "sandbox") return confined(deps, call, settings, context);
  if (host === "node") return deps.nodeExec.run({ call, settings, context });
  const cwd = folder(call.workdir, settings.cwd ?? context.workspace);
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

/** A command in the session's sandbox. Where there is none, nothing runs. */
async function confined(
  deps: ExecToolDeps,
  call: ExecCall,
  settings: ExecSettings,
  context: ToolContext,
): Promise<ToolResult> {
  const { sandboxes, gatekeeper, clock } = deps;
  if (settings.isReadOnly) throw new ExecRefusal("exec denied: host=sandbox security=deny");
  const { command, workdir, env: variables } = call;
  const { pathPrepend } = settings;
  const launch = await sandboxes
    .launch(context, { command, workdir, variables, pathPrepend })
    .catch((error: unknown) => {
      throw error instanceof NoSandbox ? new ExecRefusal(error.message) : error;
    });
  const { argv, cwd, outside } = launch;
  if (workdir.trim() === "" && workdir !== "") return notStarted(noFolder(workdir), workdir, clock.now(), clock.now());
  if (outside !== null && folder("", outside) === null)
    return notStarted(noFolder(workdir), cwd, clock.now(), clock.now());
  const refusal = await gatekeeper.confined({ call, cwd, settings, context });
  return refusal ?? run(deps, { call, cwd, env: {}, argv, settings, context, from: "/" });
}

/**
 * A sandboxed session stays in its sandbox whatever host is configured (KNOWN_ATTACKS 86; upstream lets the
 * configuration lead out). Elsewhere a call may choose only where nothing is chosen.
 */
function hostOf(
  { host, elevated }: ExecCall,
  { isSandboxed }: ToolContext,
  settings: ExecSettings,
): "gateway" | "node" | "sandbox" {
  const wanted = host === "auto" ? settings.host : host;
  if (isSandboxed && !elevated) {
    if (host === "auto" || host === "sandbox") return "sandbox";
    throw new ExecRefusal(`exec host not allowed (requested ${host}; this session runs in a sandbox).`);
  }
  if (host !== "auto" && settings.host !== "auto" && host !== settings.host) {
    throw new ExecRefusal(
      `exec host not allowed (requested ${host}; configured host is ${settings.host}; set tools.exec.host=${host} or auto to allow this override).`,
    );
  }
  if (wanted === "sandbox") {
    throw new ExecRefusal(
      'exec host=sandbox requires a sandbox runtime for this session.\nEnable sandbox mode (`agents.defaults.sandbox.mode="non-main"` or `"all"`) or use host=auto/gateway/node.',
    );
  }
  return wanted === "node" ? "node" : "gateway";
}

interface Run {
  call: ExecCall;
  cwd: string;
  env: Record<string, string>;
  argv: readonly string[];
  settings: ExecSettings;
  context: ToolContext;
  /** The folder of this machine in which it is started, when `cwd` is one within a sandbox. */
  from?: string;
}

async function run(
  deps: ExecToolDeps,
  { call, cwd, env, argv, settings, context, from = cwd }: Run,
): Promise<ToolResult> {
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
      launch: { argv, cwd: from, env, pty },
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return notStarted(`The command could not be started: ${message}`, cwd, startedAt, clock.now());
  }
  session.onOutput = () => context.onUpdate(soFar(session));
  // Without the tool that looks after it nothing could be done with a command in the background (docs: tools/exec).
  const isWatchable = context.offered?.has("process") ?? true;
  const isOver = await endedWithin(session, isWatchable ? yieldMs : null, signal);
  session.onOutput = null;
  if (signal.aborted) {
    await session.stop("aborted");
    throw signal.reason;
  }
  if (isOver) return finished(session, await session.ended, timeoutSeconds);
  processes.background(session, () => completions.ended(session, settings));
  return running(session);
}

/** True when the command has ended within the time; null is as long as it takes. */
async function endedWithin(session: ProcessSession, ms: number | null, signal: AbortSignal): Promise<boolean> {
  if (ms === 0 || signal.aborted) return false;
  let timer: Timer | undefined;
  let abort = (): void => {};
  const over = new Promise<boolean>((resolve) => {
    if (ms !== null) timer = setTimeout(() => resolve(false), ms);
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
