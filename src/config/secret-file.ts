import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { isTree } from "./json5.ts";

/**
 * The text of a file that holds secrets: a regular file of ours that nobody else may read, under one name only.
 * @throws Error with a reason that is safe to show
 */
export function readPrivateFile(path: string, maxBytes: number): string {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(code === "ELOOP" ? `${path} must not be a link` : `${path} cannot be read (${code})`);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Error(`${path} is not a regular file`);
    if (process.getuid !== undefined && stat.uid !== process.getuid())
      throw new Error(`${path} must belong to the gateway's user`);
    if ((stat.mode & 0o077) !== 0) throw new Error(`${path} must not be open to others; chmod 600 it`);
    if (stat.nlink > 1) throw new Error(`${path} must not be hardlinked`);
    if (stat.size > maxBytes) throw new Error(`${path} is larger than ${maxBytes} bytes`);
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}

/**
 * The secret that an id points at in the text of a secret file.
 * @param mode `json`: the id is a JSON pointer (RFC 6901) to a text; `singleValue`: the id is `value`
 * @throws Error with a reason that is safe to show
 */
export function secretInFile(text: string, id: string, mode: "json" | "singleValue"): string {
  if (mode === "singleValue") {
    if (id !== "value") throw new Error('the id must be "value" for a file with a single value');
    return text.replace(/\r?\n$/, "");
  }
  if (!id.startsWith("/")) throw new Error("the id must be an absolute JSON pointer such as /providers/openai/apiKey");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("the file is not valid JSON");
  }
  for (const segment of id.slice(1).split("/")) {
    const step = segment.replaceAll("~1", "/").replaceAll("~0", "~");
    const holder = Array.isArray(value) || isTree(value) ? (value as Record<string, unknown>) : {};
    value = Object.hasOwn(holder, step) ? holder[step] : undefined;
  }
  if (typeof value !== "string" || value === "") throw new Error("the file holds no text at this pointer");
  return value;
}
