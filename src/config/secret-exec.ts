import { lstatSync } from "node:fs";
import { isAbsolute, relative, sep } from "node:path";
import { isTree, type Tree } from "./json5.ts";
import type { EnvMap } from "./paths.ts";

/** A command that looks secrets up: an entry of `secrets.providers` with source `exec`. */
export interface ExecProvider {
  /** Absolute path, run without a shell. */
  command: string;
  args: readonly string[];
  timeoutMs: number;
  /** Without output for so long it is given up. */
  noOutputTimeoutMs: number;
  maxOutputBytes: number;
  /** False lets a plain text be the answer when one secret is asked for. */
  jsonOnly: boolean;
  env: Readonly<Record<string, string>>;
  passEnv: readonly string[];
  /** Directories that the command must be in; anywhere when absent. */
  trustedDirs?: readonly string[];
}

/** What came back for one id: the secret, or why there is none, in words that are safe to show. */
export type ExecAnswer = { value: string } | { reason: string };

/**
 * Asks a command for secrets: `{protocolVersion: 1, provider, ids}` on its standard input, `{protocolVersion: 1,
 * values, errors}` on its standard output (docs: gateway/secrets/secretref-contract). Nothing of what it writes is
 * shown, since it may be a secret.
 * @throws Error with a reason that is safe to show, when it cannot be asked or fails as a whole
 */
export async function askCommand(
  name: string,
  provider: ExecProvider,
  ids: readonly string[],
  env: EnvMap,
): Promise<Map<string, ExecAnswer>> {
  checkCommand(provider);
  const input = JSON.stringify({ protocolVersion: 1, provider: name, ids });
  const output = await run(provider, input, env);
  return readAnswer(output, ids, provider.jsonOnly);
}

/** A command that others could replace would hand them every secret. */
function checkCommand({ command, trustedDirs }: ExecProvider): void {
  if (!isAbsolute(command)) throw new Error("the command must be an absolute path");
  const stat = lstatSync(command, { throwIfNoEntry: false });
  if (stat === undefined) throw new Error(`${command} does not exist`);
  if (stat.isSymbolicLink()) throw new Error(`${command} must not be a link; name the file it points to`);
  if (!stat.isFile()) throw new Error(`${command} is not a file`);
  if ((stat.mode & 0o022) !== 0) throw new Error(`${command} may be written by others`);
  const uid = process.getuid?.();
  if (uid !== undefined && stat.uid !== uid && stat.uid !== 0) throw new Error(`${command} belongs to another user`);
  if (trustedDirs !== undefined && !trustedDirs.some((folder) => isBelow(command, folder))) {
    throw new Error(`${command} is outside trustedDirs`);
  }
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

async function run(provider: ExecProvider, input: string, env: EnvMap): Promise<string> {
  const passed = provider.passEnv.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]!] as const]));
  const child = Bun.spawn([provider.command, ...provider.args], {
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "ignore",
    env: { ...Object.fromEntries(passed), ...provider.env },
  });
  let failure: string | undefined;
  const stop = (reason: string): void => {
    failure ??= reason;
    child.kill("SIGKILL");
  };
  const overall = setTimeout(() => stop(`no answer within ${provider.timeoutMs} ms`), provider.timeoutMs);
  const silence = (): ReturnType<typeof setTimeout> =>
    setTimeout(() => stop(`no output for ${provider.noOutputTimeoutMs} ms`), provider.noOutputTimeoutMs);
  let quiet = silence();
  try {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of child.stdout) {
      clearTimeout(quiet);
      quiet = silence();
      bytes += chunk.length;
      if (bytes > provider.maxOutputBytes) stop(`more than ${provider.maxOutputBytes} bytes of output`);
      else chunks.push(chunk);
    }
    const code = await child.exited;
    if (failure !== undefined) throw new Error(`the command gave ${failure}`);
    if (code !== 0) throw new Error(`the command ended with exit code ${code}`);
    return Buffer.concat(chunks).toString("utf8");
  } finally {
    clearTimeout(overall);
    clearTimeout(quiet);
  }
}

function readAnswer(output: string, ids: readonly string[], jsonOnly: boolean): Map<string, ExecAnswer> {
  const answer = parsed(output);
  if (!isTree(answer) || !isTree(answer.values)) {
    const text = output.replace(/\r?\n$/, "");
    const single = ids.length === 1 && !jsonOnly && !isTree(answer) && text !== "";
    if (single) return new Map([[ids[0]!, { value: text }]]);
    throw new Error("the command's answer is not {protocolVersion: 1, values}");
  }
  if (answer.protocolVersion !== 1) throw new Error("the command speaks another version of the protocol");
  const { values } = answer;
  const errors = isTree(answer.errors) ? answer.errors : {};
  return new Map(ids.map((id) => [id, one(id, values, errors)]));
}

function one(id: string, values: Tree, errors: Tree): ExecAnswer {
  const value = Object.hasOwn(values, id) ? values[id] : undefined;
  if (typeof value === "string" && value !== "") return { value };
  const error = Object.hasOwn(errors, id) ? errors[id] : undefined;
  const code = isTree(error) ? error.code : undefined;
  // Any other word of it could be part of a secret.
  const known = code === "NOT_FOUND" || code === "AMBIGUOUS_DUPLICATE_KEY" ? ` (${code})` : "";
  return { reason: `the command has no value for this id${known}` };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
