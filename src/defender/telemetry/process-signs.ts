import { readFileSync, readlinkSync } from "node:fs";

/** What is odd of a running process. */
export type ProcessSign = "no-file" | "other-user" | "network-shell";

/** Programs that do what they read on their input. */
const SHELLS = /^(?:ba|da|z|k|c|tc|fi|a)?sh$|^(?:busybox|python[\d.]*|perl|ruby|node|bun|php[\d.]*|lua[\d.]*|pwsh)$/;

/** Looks at a process; nothing when it is gone or belongs to somebody else. */
export function signsOf(pid: number, ownUid: number): ProcessSign[] {
  const signs: ProcessSign[] = [];
  const program = linkOf(`/proc/${pid}/exe`);
  // What was replaced while it runs is an update; what never was a file, or lay where everybody writes, is hiding.
  if (/^\/memfd:|^\/(?:dev\/shm|tmp|var\/tmp)\/.* \(deleted\)$/.test(program)) signs.push("no-file");
  const status = textOf(`/proc/${pid}/status`);
  const effective = Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? ownUid);
  if (effective !== ownUid) signs.push("other-user");
  const name = /^Name:\t(.*)$/m.exec(status)?.[1] ?? "";
  if (SHELLS.test(name) && isFedByNetwork(pid)) signs.push("network-shell");
  return signs;
}

/** Whether its input and output are one connection to another machine, or to a port of this one. */
function isFedByNetwork(pid: number): boolean {
  const [input, output] = [linkOf(`/proc/${pid}/fd/0`), linkOf(`/proc/${pid}/fd/1`)];
  const inode = /^socket:\[(\d+)\]$/.exec(input)?.[1];
  if (inode === undefined || input !== output) return false;
  // A socket that is no connection over the network stands in neither table.
  return ["tcp", "tcp6"].some((table) =>
    textOf(`/proc/${pid}/net/${table}`)
      .split("\n")
      .some((line) => line.trim().split(/\s+/)[9] === inode),
  );
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
