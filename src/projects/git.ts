import { stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { Places } from "../platform/places.ts";

/**
 * No transport is allowed whatever the settings of a checkout say: what fetches would run a program that they name. Newer
 * versions of git know the second setting and do not even try.
 */
const OFFLINE = { GIT_TERMINAL_PROMPT: "0", GIT_ALLOW_PROTOCOL: "none", GIT_NO_LAZY_FETCH: "1" };

/** What bounds the processes of git that are there at once. */
const places = new Places(LIMITS.gitAtOnce);

/**
 * What git says, or null when it refuses, is not there or takes too long. Nothing of the checkout is run: no hooks, no
 * file system monitor, no pager, no questions; and nothing is fetched, since the settings of a checkout say with which
 * program that is done, and a checkout that says it has left objects elsewhere is asked for them even to sort its branches.
 */
export const git = (folder: string, ...words: string[]): Promise<string | null> => gitWith({}, folder, ...words);

/** The same with further variables of its environment. */
export async function gitWith(
  env: Readonly<Record<string, string>>,
  folder: string,
  ...words: string[]
): Promise<string | null> {
  const letGo = await places.take();
  try {
    return await run(folder, words, env);
  } finally {
    letGo();
  }
}

/** The same for work on the files of a checkout, which takes as long as it has files. */
export async function gitWork(
  folder: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string | null> {
  const letGo = await places.take();
  try {
    return await run(folder, words, env, LIMITS.gitWorkMs);
  } finally {
    letGo();
  }
}

async function run(
  folder: string,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  timeout: number = LIMITS.gitTimeoutMs,
): Promise<string | null> {
  const safe = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-optional-locks", "--no-pager"];
  try {
    const child = Bun.spawn(["git", "-C", folder, ...safe, ...words], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, LC_ALL: "C", ...OFFLINE, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
      timeout,
      maxBuffer: LIMITS.gitOutputBytes,
    });
    const text = await new Response(child.stdout).text();
    return (await child.exited) === 0 ? text.trimEnd() : null;
  } catch {
    return null;
  }
}

/** The checkout that a folder lies in; null when it is in none. */
export const checkoutOf = (folder: string): Promise<string | null> => git(folder, "rev-parse", "--show-toplevel");

/** True for an absolute path of a folder that is there. */
export async function isFolder(path: string): Promise<boolean> {
  if (!isAbsolute(path)) return false;
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}

/** The address of `origin` without the user and password that may stand in it; undefined when there is none. */
export async function originOf(repoRoot: string): Promise<string | undefined> {
  const address = await git(repoRoot, "remote", "get-url", "origin");
  if (!address) return undefined;
  const url = URL.parse(address);
  if (url === null) return address.replace(/^[^/]*\/\/[^/]*@/, "");
  url.username = "";
  url.password = "";
  return url.href;
}
