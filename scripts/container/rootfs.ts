import { chmodSync, copyFileSync, existsSync, mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The user that the container runs as; nobody else's number on usual hosts. */
export const CONTAINER_USER = { uid: 65532, gid: 65532 };

/** What a root needs besides the executable and its libraries. */
const TEXT_FILES: Readonly<Record<string, string>> = {
  "etc/passwd": `root:x:0:0:root:/:/sbin/nologin\nchela:x:${CONTAINER_USER.uid}:${CONTAINER_USER.gid}:chela:/data:/sbin/nologin\n`,
  "etc/group": `root:x:0:\nchela:x:${CONTAINER_USER.gid}:\n`,
  // Names are looked up in /etc/hosts, then asked of the servers in /etc/resolv.conf, both of which the container gets.
  "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
};

const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** The libraries that the loader names for an executable, as paths on this machine. */
export function librariesOf(lddOutput: string): string[] {
  return [...lddOutput.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1]!);
}

/**
 * Lays out the root directory of the container image from this machine's files: the executable, the libraries it is
 * linked with, certificates, a user, an empty `/data` and `/tmp`. Needs `ldd`.
 * @throws Error when a part is missing here
 */
export function makeRootfs(executable: string, root: string): string[] {
  rmSync(root, { recursive: true, force: true });
  const made: string[] = [];
  const put = (from: string, to: string, mode: number): void => {
    const path = join(root, to);
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(realpathSync(from), path);
    chmodSync(path, mode);
    made.push(to);
  };
  put(executable, "chela", 0o755);
  const ldd = Bun.spawnSync(["ldd", executable]);
  const libraries = librariesOf(ldd.stdout.toString());
  if (libraries.length === 0) throw new Error(`ldd says nothing of ${executable}: ${ldd.stderr.toString()}`);
  for (const library of libraries) put(library, library.slice(1), 0o755);
  if (!existsSync(CERTIFICATES)) throw new Error(`${CERTIFICATES} is missing; install the package ca-certificates`);
  put(CERTIFICATES, CERTIFICATES.slice(1), 0o644);
  for (const [name, text] of Object.entries(TEXT_FILES)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
    made.push(name);
  }
  // Whoever the container runs as may write there; builders differ in whose the directory becomes. What the gateway
  // makes in it is its own alone.
  for (const name of ["tmp", "data"]) {
    mkdirSync(join(root, name));
    chmodSync(join(root, name), 0o1777);
  }
  return made;
}

/** usage: rootfs.ts EXECUTABLE DIRECTORY */
if (import.meta.main) {
  const [executable, root] = Bun.argv.slice(2);
  if (!executable || !root) throw new Error("usage: rootfs.ts EXECUTABLE DIRECTORY");
  for (const name of makeRootfs(executable, root)) console.log(name);
}
