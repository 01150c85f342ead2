import { uuid } from "../../platform/ids.ts";
import { ProcessTree } from "../../platform/process-tree.ts";
import { decoder } from "./output.ts";

/** A command that is to be started. */
export interface Launch {
  argv: readonly string[];
  cwd: string;
  env: Record<string, string>;
  /** A terminal of its own, for programs that want one. */
  pty: boolean;
  onOutput(text: string): void;
  /** What it says of errors; together with the other output unless somebody wants it apart. A terminal has one output. */
  onErrorOutput?(text: string): void;
}

export interface Exit {
  code: number | null;
  signal: string | null;
}

/** A running command with all that comes of it. */
export interface Child {
  readonly pid: number;
  /** Settles when the command has ended, its output is read and what it left behind in its group is gone. */
  readonly ended: Promise<Exit>;
  /** Null when it has no terminal: then nothing can be typed. */
  readonly input: { write(bytes: Uint8Array): void; end(): void } | null;
  /** All that is alive of it and of what came of it, by process id. */
  tree(): readonly number[];
  /** Ends it and all that came of it. True when nothing is left. */
  end(graceMs: number): Promise<boolean>;
}

const TERMINAL = "xterm-256color";
const COLUMNS = 120;
const ROWS = 30;
/** How long output is waited for after the end: somebody who escaped may hold the pipe open for ever. */
const DRAIN_MS = 250;
const END_OF_TRANSMISSION = new Uint8Array([4]);

/** In the environment of a command and of all that comes of it, by which it is found again: nobody else has its value. */
export const MARK = "CHELA_EXEC_ID";

/** Starts a command as the leader of its own session. @throws Error of the operating system */
export function start(launch: Launch): Child {
  const id = uuid();
  const env = { ...launch.env, [MARK]: id };
  return launch.pty ? inTerminal({ ...launch, env }, id) : piped({ ...launch, env }, id);
}

function piped({ argv, cwd, env, onOutput, onErrorOutput = onOutput }: Launch, id: string): Child {
  const child = Bun.spawn([...argv], { cwd, env, detached: true, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const tree = new ProcessTree(child.pid, `${MARK}=${id}`);
  const readers = [child.stdout.getReader(), child.stderr.getReader()] as const;
  const read = Promise.all([drain(readers[0], onOutput), drain(readers[1], onErrorOutput)]);
  return {
    pid: child.pid,
    input: null,
    ended: endOf(child, tree, async () => {
      const inTime = await Promise.race([read.then(() => true), Bun.sleep(DRAIN_MS).then(() => false)]);
      if (!inTime) for (const reader of readers) await reader.cancel().catch(() => {});
    }),
    tree: () => tree.pids,
    end: (graceMs) => tree.end(graceMs),
  };
}

interface ByteReader {
  read(): Promise<{ done: boolean; value?: Uint8Array }>;
}

async function drain(reader: ByteReader, onOutput: (text: string) => void): Promise<void> {
  const bytes = decoder();
  for (;;) {
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
    if (value !== undefined) onOutput(bytes.text(value));
    if (done) break;
  }
  onOutput(bytes.rest());
}

function inTerminal({ argv, cwd, env, onOutput }: Launch, id: string): Child {
  const bytes = decoder();
  const terminal = new Bun.Terminal({
    cols: COLUMNS,
    rows: ROWS,
    name: env.TERM ?? TERMINAL,
    data: (_, chunk) => onOutput(bytes.text(chunk)),
  });
  const child = startIn(terminal, argv, cwd, { TERM: TERMINAL, ...env });
  const tree = new ProcessTree(child.pid, `${MARK}=${id}`);
  return {
    pid: child.pid,
    input: {
      write: (data) => {
        terminal.write(data);
      },
      end: () => {
        terminal.write(END_OF_TRANSMISSION);
      },
    },
    ended: endOf(child, tree, async () => {
      // What was written last is still on its way through the terminal.
      await Bun.sleep(20);
      terminal.close();
      onOutput(bytes.rest());
    }),
    tree: () => tree.pids,
    end: (graceMs) => tree.end(graceMs),
  };
}

function startIn(terminal: Bun.Terminal, argv: readonly string[], cwd: string, env: Record<string, string>) {
  try {
    // Only as the leader of a session of its own does it get the terminal's signals.
    return Bun.spawn([...argv], { cwd, env, terminal, detached: true });
  } catch (error) {
    terminal.close();
    throw error;
  }
}

async function endOf(child: Bun.Subprocess, tree: ProcessTree, lastOutput: () => Promise<void>): Promise<Exit> {
  await child.exited;
  await tree.endGroup();
  await lastOutput();
  const { signalCode, exitCode } = child;
  return signalCode === null ? { code: exitCode, signal: null } : { code: null, signal: String(signalCode) };
}
