import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/** Files that only their owner may read: keys, tokens, locks. Written whole or not at all. */

/** The file's text, or null when there is none. @throws for any other reason not to read it */
export function readPrivateFile(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** Puts the text in the place of whatever was there. Readers see the old file or the new one, never half of it. */
export function writePrivateFile(path: string, text: string): void {
  const draft = writeDraft(path, text);
  try {
    renameSync(draft, path);
  } catch (error) {
    unlinkSync(draft);
    throw error;
  }
}

/** Makes the file unless there is one. Of several processes that try at once one is told true, the others false. */
export function createPrivateFile(path: string, text: string): boolean {
  const draft = writeDraft(path, text);
  try {
    // Unlike a rename, a link never replaces a file.
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

/** Makes the directory with all above it, open to its owner alone. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

let drafts = 0;

/** On disk before it gets its name, so that a power cut does not leave an empty file under it. */
function writeDraft(path: string, text: string): string {
  makePrivateDirectory(dirname(path));
  const draft = `${path}.${process.pid}.${drafts++}.tmp`;
  const descriptor = openSync(draft, "wx", 0o600);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return draft;
}

/** The system's code of a failed file operation, such as `ENOENT`. */
export const errorCode = (error: unknown): string | undefined => (error as { code?: string } | null)?.code;
