import { isAbsolute } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { uuid } from "../platform/ids.ts";
import { ProcessTree } from "../platform/process-tree.ts";
import { inheritable, isPlainVariable } from "../platform/steering-env.ts";
import { given, type Payload } from "./job.ts";
import type { Execution } from "./outcome.ts";

export type Command = Extract<Payload, { kind: "command" }>;

/** How a process ended, and what it has written. */
export interface Ended {
  exitCode: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  truncated: boolean;
  /** Why it was ended before its time. */
  ended?: "timeout" | "no-output" | "aborted";
}

/** In the environment of a command and of all that comes of it, by which it is found again. */
const MARK = "CHELA_CRON_RUN";

/** The variables of a command's own that would make it run something else, or that are no names (KNOWN_ATTACKS 82). */
export const refusedVariables = ({ env = {} }: Command): string[] =>
  Object.keys(env).filter((name) => !isPlainVariable(name));

/**
 * Runs a job's command on this machine to its end (docs: cron-jobs/payloads, Command payloads). No shell is between. All
 * that has come of it is ended when the time is over, when it stays silent for too long, when the gateway stops, and, in
 * the background of its own group, when it has ended. The end of its output is kept, as much as `outputMaxBytes`.
 * @param folder where it runs unless the job says otherwise
 */
export async function runCommand(payload: Command, folder: string, signal: AbortSignal): Promise<Execution> {
  const refused = refusedVariables(payload);
  if (refused.length > 0) {
    return failed(payload, `payload.env may not set ${refused.join(", ")}: it steers what programs run`);
  }
  try {
    return executionOf(await runProcess(payload, payload.cwd ?? folder, signal), payload);
  } catch (error) {
    // The program is not there, or may not be run, or its folder is not there.
    const { code } = error as NodeJS.ErrnoException;
    return failed(payload, `Command failed during launch or output capture (${code ?? "unknown"})`, {
      verb: "command failed to start",
    });
  }
}

/** A command as records and people read it: each word in quotation marks. */
const shown = ({ argv }: Command): string => argv.map((word) => JSON.stringify(word)).join(" ");

/**
 * Runs a command to its end and says how it ended. A `timeoutSeconds` of 0 gives it all the time it wants.
 * @param cwd absolute
 * @throws Error of the operating system when it cannot be started
 */
export async function runProcess(payload: Command, cwd: string, signal: AbortSignal): Promise<Ended> {
  const { argv, env, input, timeoutSeconds, noOutputTimeoutSeconds = 0 } = payload;
  if (!isAbsolute(cwd)) throw Object.assign(new Error("the folder is not absolute"), { code: "ENOENT" });
  const id = uuid();
  const child = Bun.spawn([...argv], {
    cwd,
    env: { ...inheritable(process.env), ...env, [MARK]: id },
    stdin: input === undefined ? "ignore" : Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
    detached: true,
  });
  const tree = new ProcessTree(child.pid, `${MARK}=${id}`);
  let ended: Ended["ended"];
  let ending: Promise<boolean> | undefined;
  const end = (reason: NonNullable<Ended["ended"]>) => {
    ended ??= reason;
    ending ??= tree.end(LIMITS.cronCommandGraceMs);
  };
  const timeoutMs = timeoutSeconds === undefined ? LIMITS.cronCommandTimeoutMs : timeoutSeconds * 1000;
  const overall = timeoutMs > 0 ? setTimeout(() => end("timeout"), Math.min(timeoutMs, LONGEST_TIMER_MS)) : undefined;
  const silence = () =>
    noOutputTimeoutSeconds > 0
      ? setTimeout(() => end("no-output"), Math.min(noOutputTimeoutSeconds * 1000, LONGEST_TIMER_MS))
      : undefined;
  let quiet = silence();
  const heard = () => {
    clearTimeout(quiet);
    quiet = silence();
  };
  const aborted = () => end("aborted");
  signal.addEventListener("abort", aborted);
  if (signal.aborted) aborted();
  const bound = Math.min(payload.outputMaxBytes ?? LIMITS.cronCommandOutputBytes, LIMITS.cronCommandOutputMaxBytes);
  const stdout = new Tail(child.stdout, bound, heard);
  const stderr = new Tail(child.stderr, bound, heard);
  try {
    await child.exited;
    await (ending ?? tree.endGroup());
    // Who has left the group may hold the pipes open for ever.
    await Promise.race([Promise.all([stdout.read, stderr.read]), Bun.sleep(LIMITS.cronCommandGraceMs)]);
    return {
      exitCode: child.exitCode,
      signal: child.signalCode === null ? null : String(child.signalCode),
      stdout: stdout.text,
      stderr: stderr.text,
      truncated: stdout.isCut || stderr.isCut,
      ...given({ ended }),
    };
  } finally {
    clearTimeout(overall);
    clearTimeout(quiet);
    signal.removeEventListener("abort", aborted);
    stdout.stop();
    stderr.stop();
  }
}

/** What a command says that has nothing to say. */
const SILENT = "NO_REPLY";
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The end of a stream; what came before is read and forgotten, so that the command is not held up. */
class Tail {
  isCut = false;
  readonly read: Promise<void>;
  private readonly reader: { read(): Promise<{ done: boolean; value?: Uint8Array }>; cancel(): Promise<void> };
  private kept = Buffer.alloc(0);

  constructor(
    stream: ReadableStream<Uint8Array>,
    private readonly bound: number,
    private readonly heard: () => void,
  ) {
    this.reader = stream.getReader();
    this.read = this.drain();
  }

  stop(): void {
    void this.reader.cancel().catch(() => {});
  }

  get text(): string {
    return this.kept.subarray(-this.bound).toString("utf8").trim();
  }

  private async drain(): Promise<void> {
    for (;;) {
      const { done, value } = await this.reader.read().catch(() => ({ done: true, value: undefined }));
      if (value !== undefined) this.add(value);
      if (done) return;
    }
  }

  private add(chunk: Uint8Array): void {
    this.heard();
    this.kept = Buffer.concat([this.kept, chunk]);
    if (this.kept.length <= this.bound) return;
    this.isCut = true;
    // Some more is let in before it is cut, so that not every piece copies the whole.
    if (this.kept.length > 2 * this.bound) this.kept = Buffer.from(this.kept.subarray(-this.bound));
  }
}

/** Both outputs as people read them: told apart when there are two. */
export const outputOf = ({ stdout, stderr }: Ended): string =>
  stdout && stderr ? `stdout:\n${stdout}\n\nstderr:\n${stderr}` : stdout || stderr;

function executionOf(end: Ended, payload: Command): Execution {
  const { exitCode, truncated } = end;
  const text = outputOf(end);
  if (end.ended !== undefined || exitCode !== 0) {
    const error = reasonOf(end);
    return failed(payload, error, { exitCode, signal: end.signal, truncated, text, ended: end.ended });
  }
  const summary = text.slice(0, LIMITS.cronSummaryChars);
  const told = text === SILENT ? {} : { summary, text };
  const message = (text === "" ? "command ok with no output: " : "command ok: ") + shown(payload);
  const entry = { ts: 0, source: "exec", severity: "info", message, exitCode, truncated } as const;
  const diagnostics = { ...given({ summary: summary || undefined }), entries: [entry] };
  return { status: "ok", ...told, diagnostics };
}

function reasonOf({ ended, exitCode, signal }: Ended): string {
  if (ended === "timeout") return "command timed out";
  if (ended === "no-output") return "command produced no output before noOutputTimeoutSeconds";
  if (ended === "aborted") return "command was stopped";
  return signal === null ? `command exited with code ${exitCode}` : `command stopped by signal ${signal}`;
}

interface Failure {
  exitCode?: number | null;
  signal?: string | null;
  truncated?: boolean;
  text?: string;
  ended?: Ended["ended"];
  verb?: string;
}

/** A run of a command that did not go well, or did not begin. */
export function failed(payload: Command, error: string, failure: Failure = {}): Execution {
  const { exitCode = null, signal, truncated, text, ended, verb } = failure;
  const summary = text?.slice(0, LIMITS.cronSummaryChars);
  const what =
    text === undefined ? (verb ?? "command refused") : text === "" ? "command error with no output" : "command error";
  const message = `${what}: ${shown(payload)}${text === undefined ? `: ${error}` : ""}`.slice(
    0,
    LIMITS.cronSummaryChars,
  );
  const entry = {
    ts: 0,
    source: "exec" as const,
    severity: "error" as const,
    message,
    exitCode,
    ...given({ truncated, toolName: signal ? `signal:${signal}` : undefined }),
  };
  return {
    status: "error",
    error: error.slice(0, LIMITS.cronSummaryChars),
    ...given({
      summary: summary || undefined,
      errorReason: ended === "timeout" ? ("timeout" as const) : undefined,
      interrupted: ended === "aborted" ? (true as const) : undefined,
    }),
    diagnostics: { ...given({ summary: text === undefined ? error : summary || undefined }), entries: [entry] },
  };
}
