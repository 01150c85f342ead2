import { createHash } from "node:crypto";
import { LIMITS } from "../../../generated/limits.ts";
import type { SessionDiffFile } from "../../../generated/types.ts";
import { openLinkless } from "../../platform/linkless-file.ts";
import type { Checkout } from "./checkout.ts";

/** The files that git does not know and is not told to ignore, as if they had been added. Links are left out. */
export async function untrackedFiles({
  root,
  git,
}: Checkout): Promise<{ files: SessionDiffFile[]; truncated: boolean }> {
  const listed = await git("ls-files", "--others", "--exclude-standard", "-z");
  if (listed === null) return { files: [], truncated: true };
  const paths = listed.split("\0").filter((path) => path !== "" && !path.endsWith("/"));
  const page = paths.slice(0, LIMITS.diffUntrackedFiles);
  const files = await Promise.all(page.map((path) => added(root, path)));
  return { files: files.filter((file) => file !== null), truncated: page.length < paths.length };
}

async function added(root: string, path: string): Promise<SessionDiffFile | null> {
  const file = await openLinkless(root, path.split("/"));
  if (typeof file === "string") return null;
  const facts = { path, status: "added", additions: 0, deletions: 0, untracked: true } as const;
  try {
    const { size, mode } = file.facts;
    if (size > LIMITS.diffPatchChars) return { ...facts, patch: "", truncated: true };
    const bytes = await file.handle.readFile();
    if (bytes.includes(0)) return { ...facts, binary: true };
    const text = bytes.toString("utf8");
    const lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
    return { ...facts, additions: lines.length, patch: patchOf({ path, bytes, lines, text, mode }) };
  } finally {
    await file.handle.close();
  }
}

/** As git would write it for a new file. */
function patchOf(file: { path: string; bytes: Buffer; lines: string[]; text: string; mode: number }): string {
  const { path, bytes, lines, text, mode } = file;
  const blob = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex").slice(0, 7);
  const head = [
    `diff --git a/${path} b/${path}`,
    `new file mode ${mode & 0o111 ? "100755" : "100644"}`,
    `index 0000000..${blob}`,
  ];
  if (lines.length === 0) return `${head.join("\n")}\n`;
  // A blank in a path would end it for programs that read patches; git puts a tab behind such a one.
  const named = /\s/.test(path) ? `${path}\t` : path;
  const range = lines.length === 1 ? "+1" : `+1,${lines.length}`;
  const body = lines.map((line) => `+${line}`);
  if (!text.endsWith("\n")) body.push("\\ No newline at end of file");
  return `${[...head, "--- /dev/null", `+++ b/${named}`, `@@ -0,0 ${range} @@`, ...body].join("\n")}\n`;
}
