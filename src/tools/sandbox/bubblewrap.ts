import { lstatSync, readlinkSync } from "node:fs";
import type { Mount } from "./binds.ts";

/** What is to run in a sandbox, and what it sees. */
export interface Confined {
  argv: readonly string[];
  /** Within. */
  cwd: string;
  /** All variables that it has. */
  env: Readonly<Record<string, string>>;
  mounts: readonly Mount[];
  hasNetwork: boolean;
}

/** Folders of programs and libraries besides `/usr`; on many systems they are links into it. */
const PROGRAM_FOLDERS = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/** What programs need of `/etc`; nothing in it is secret. */
const SETTINGS =
  "alternatives ca-certificates group hosts ld.so.cache ld.so.conf ld.so.conf.d localtime nsswitch.conf passwd protocols services ssl/certs ssl/openssl.cnf".split(
    " ",
  );
const NETWORK_SETTINGS = ["resolv.conf"];

/**
 * The command line that runs something without the machine: own processes, no network unless wished, programs to read,
 * and nothing to write but what is mounted so. It ends with the gateway.
 */
export function confine(program: string, { argv, cwd, env, mounts, hasNetwork }: Confined): string[] {
  const settings = [...SETTINGS, ...(hasNetwork ? NETWORK_SETTINGS : [])];
  return [
    program,
    "--unshare-all",
    ...(hasNetwork ? ["--share-net"] : []),
    "--die-with-parent",
    "--cap-drop",
    "ALL",
    "--hostname",
    "sandbox",
    "--ro-bind",
    "/usr",
    "/usr",
    ...PROGRAM_FOLDERS.flatMap(programFolder),
    ...settings.flatMap((name) => ["--ro-bind-try", `/etc/${name}`, `/etc/${name}`]),
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--tmpfs",
    "/tmp",
    "--tmpfs",
    "/run",
    "--tmpfs",
    "/var/tmp",
    ...mounts.flatMap(({ source, target, isWritable }) => [isWritable ? "--bind" : "--ro-bind", source, target]),
    "--remount-ro",
    "/",
    "--chdir",
    cwd,
    "--clearenv",
    ...Object.entries(env).flatMap(([name, value]) => ["--setenv", name, value]),
    "--",
    ...argv,
  ];
}

function programFolder(path: string): string[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) return ["--symlink", readlinkSync(path), path];
  return stat?.isDirectory() ? ["--ro-bind", path, path] : [];
}

/** Whether commands can be confined here, tried with a harmless one. */
export type Availability = { program: string } | { reason: string };

/** Tries to confine something. @param path the search path */
export async function available(path: string): Promise<Availability> {
  const program = Bun.which("bwrap", { PATH: `${path}:/usr/bin:/usr/local/bin` });
  if (program === null) return { reason: "bubblewrap (bwrap) is not installed" };
  const probe = { argv: ["/bin/sh", "-c", "exit 42"], cwd: "/tmp", env: {}, mounts: [], hasNetwork: false };
  const child = Bun.spawn(confine(program, probe), {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    timeout: 10_000,
  });
  const said = await new Response(child.stderr).text();
  if ((await child.exited) === 42) return { program };
  return { reason: `bubblewrap cannot confine anything on this machine: ${said.trim().slice(0, 300) || "it failed"}` };
}
