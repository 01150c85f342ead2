import { basename } from "node:path";

const POSIX: ReadonlySet<string> = new Set(["bash", "zsh", "sh", "dash", "ksh", "ash", "busybox"]);

/** The shell that reads commands: the operator's own, unless it reads another language (docs: tools/exec, Notes). */
export function shellOf(env: Readonly<Record<string, string | undefined>>): string {
  const own = env.SHELL?.trim();
  if (own && POSIX.has(basename(own)) && Bun.which(own) !== null) return own;
  return plainShell(env);
}

/** A shell that reads no start files and knows what the parser of commands knows. */
export const plainShell = ({ PATH }: Readonly<Record<string, string | undefined>>): string =>
  Bun.which("bash", { PATH: `/bin:/usr/bin:${PATH ?? ""}` }) ?? "/bin/sh";
