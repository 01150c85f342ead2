import { uuid } from "../../platform/ids.ts";
import type { Logger } from "../../platform/logger.ts";
import { ProcessTree } from "../../platform/process-tree.ts";
import {
  McpFailure,
  type McpMessage,
  type McpTransport,
  messagesIn,
  type TransportEvents,
  type TransportLimits,
} from "./transport.ts";

/** What a server gets of the gateway's environment: who and where it is, and nothing of the gateway's. */
const INHERITED = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LANG", "TMPDIR"];
/** In the environment of a server and of all that comes of it, by which it is found again. */
const MARK = "CHELA_MCP_ID";
/** Of one line of a server's complaints. */
const COMPLAINT_CHARS = 2000;

export interface StdioTarget {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
}

/**
 * Starts a server and speaks with it by lines of its input and output. It is the leader of a session of its own, so that
 * all that comes of it ends with it (KNOWN_ATTACKS 87).
 * @throws McpFailure when it cannot be started
 */
export function startServer(
  { command, args, env, cwd }: StdioTarget,
  { onMessage, onClose }: TransportEvents,
  {
    limits,
    log,
    environment,
  }: { limits: TransportLimits; log: Logger; environment: Readonly<Record<string, string | undefined>> },
): McpTransport {
  const id = uuid();
  const own = INHERITED.flatMap((name) =>
    environment[name] === undefined ? [] : [[name, environment[name]] as const],
  );
  const child = spawn([command, ...args], cwd, { ...Object.fromEntries(own), ...env, [MARK]: id });
  const tree = new ProcessTree(child.pid, `${MARK}=${id}`);
  let ending: Promise<void> | undefined;
  let isClosed = false;
  const closed = (reason: string): void => {
    if (isClosed) return;
    isClosed = true;
    onClose(reason);
  };
  const end = async (): Promise<void> => {
    closed("it was ended");
    try {
      child.stdin.end();
    } catch {
      // It has gone already.
    }
    const isGone = await tree.end(limits.mcpStopGraceMs);
    if (!isGone) log.warn("a server of tools could not be ended whole", { pid: child.pid });
  };
  const close = (): Promise<void> => (ending ??= end());
  const fail = (reason: string): void => {
    closed(reason);
    void close();
  };
  const take = (line: string): void => {
    if (line.trim() === "" || isClosed) return;
    try {
      for (const message of messagesIn(line)) onMessage(message);
    } catch (error) {
      fail((error as Error).message);
    }
  };
  const lines = readLines(child.stdout, limits.mcpMessageBytes, take, () => fail("it sent too much in one line"));
  const complain = (line: string): void => {
    if (line.trim() !== "") log.debug("a server of tools says", { text: line.slice(0, COMPLAINT_CHARS) });
  };
  void readLines(child.stderr, 8192, complain, () => {});
  void Promise.all([child.exited, lines]).then(([code]) => fail(`it has ended (${code})`));
  return {
    async send(message: McpMessage) {
      if (isClosed) throw new McpFailure("it is not running");
      try {
        child.stdin.write(`${JSON.stringify(message)}\n`);
        await child.stdin.flush();
      } catch {
        throw new McpFailure("it takes no input");
      }
    },
    close,
  };
}

function spawn(argv: string[], cwd: string, env: Record<string, string>) {
  try {
    return Bun.spawn(argv, { cwd, env, detached: true, stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new McpFailure(`it cannot be started (${code ?? "unknown"})`);
  }
}

/**
 * Calls `take` with every line. A line beyond the bound is told once by `tooLong`, and lost up to its end.
 * Resolves when nothing more comes.
 */
async function readLines(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  take: (line: string) => void,
  tooLong: () => void,
): Promise<void> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let isLost = false;
  const finish = (): void => {
    const line = isLost ? undefined : Buffer.concat(parts).toString("utf8");
    [parts, size, isLost] = [[], 0, false];
    if (line !== undefined) take(line);
  };
  try {
    for await (const chunk of stream) {
      let from = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        if (!isLost) parts.push(chunk.subarray(from, end));
        finish();
        from = end + 1;
      }
      if (isLost) continue;
      parts.push(chunk.subarray(from));
      size = parts.reduce((sum, part) => sum + part.length, 0);
      if (size <= maxBytes) continue;
      [parts, isLost] = [[], true];
      tooLong();
    }
  } catch {
    // The pipe broke; what came before it has been read.
  }
  finish();
}
