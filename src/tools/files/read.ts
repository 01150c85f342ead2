import type { FileHandle } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { PathRefused } from "../../platform/fs-safe/refusal.ts";
import { type Tool, ToolError, type ToolResult, textResult } from "../types.ts";
import { type Area, pathOf } from "./area.ts";
import type { FileToolDeps } from "./create.ts";
import { readPage } from "./pages.ts";
import { pictureType } from "./pictures.ts";

/** `read`: a page of a text file, or a picture (docs: tools/index; results as measured from 2026.9.6). */
export function readTool({ area, limits }: FileToolDeps): Tool {
  return {
    name: "read",
    description:
      "Reads a text file, or a picture (png, jpg, gif, webp, bmp) that you then see. A page has up to 2000 lines or 50 KB; go on with offset and limit, or with cursor inside a long line.",
    parameters: {
      type: "object",
      required: ["path"],
      properties: {
        path: { type: "string", description: "The file, relative to the workspace or absolute." },
        offset: { type: "integer", minimum: 1, description: "First line, from 1." },
        limit: { type: "number", description: "How many lines at most." },
        cursor: { type: "integer", minimum: 0, description: "Characters of the first line to leave out." },
        optional: { type: "boolean", const: true, description: "A file that is not there is no failure." },
      },
    },
    run: async (args, context) => {
      const here = area(context);
      const path = pathOf(args);
      const wanted = here.wanted(path);
      let file: FileHandle | undefined;
      try {
        const opened = await here.root.open(wanted.parts);
        file = opened.handle;
        return await read(file, opened.facts.size, args, limits);
      } catch (error) {
        if (isMissing(error) && args.optional === true) return textResult(`Optional file not found: ${path}.`);
        throw await told(error, here, path, wanted);
      } finally {
        await file?.close();
      }
    },
  };
}

async function read(
  file: FileHandle,
  size: number,
  args: Record<string, unknown>,
  limits: FileToolDeps["limits"],
): Promise<ToolResult> {
  const head = Buffer.alloc(HEAD_BYTES);
  const { bytesRead } = await file.read(head, 0, HEAD_BYTES, 0);
  const start = head.subarray(0, bytesRead);
  const mimeType = pictureType(start);
  if (mimeType) {
    if (size > limits.imageMaxBytes) throw new ToolError(`The picture is larger than ${limits.imageMaxBytes} bytes.`);
    const bytes = Buffer.alloc(size);
    const { bytesRead: got } = await file.read(bytes, 0, size, 0);
    const data = bytes.subarray(0, got).toString("base64");
    return {
      content: [
        { type: "text", text: `Read image file [${mimeType}]` },
        { type: "image", data, mimeType },
      ],
    };
  }
  if (start.includes(0))
    throw new ToolError(`This is a binary file of ${size} bytes; only text and pictures can be read.`);
  const { offset, limit, cursor } = args as { offset?: number; limit?: number; cursor?: number };
  return textResult(await readPage(file, { offset: offset ?? 1, limit, cursor }, limits));
}

/** Enough to know a picture and to see that a file is no text. */
const HEAD_BYTES = 8192;

const isMissing = (error: unknown): boolean => error instanceof PathRefused && error.problem === "missing";

async function told(error: unknown, here: Area, given: string, { parts, path }: { parts: string[]; path: string }) {
  if (!(error instanceof PathRefused)) return error;
  switch (error.problem) {
    case "missing":
      return new ToolError(`File not found: ${path}.${await similar(here, parts)}`);
    case "a-folder":
      return new ToolError(
        `Read requires a file path, but ${given} is a directory. List the directory, then read a file.`,
      );
    case "not-a-file":
      return new ToolError(`Read only supports regular files; no read was attempted: ${path}`);
    case "link":
      return new ToolError("path must be a regular file");
    default:
      return here.told(error, given);
  }
}

/** Names in the same folder that look like the wanted one. */
async function similar(here: Area, parts: readonly string[]): Promise<string> {
  const wanted = basename(parts.join("/")).toLowerCase();
  const entries = await here.root.list(parts.slice(0, -1)).catch(() => []);
  const near = entries
    .filter(({ kind, name }) => kind === "file" && looksLike(name.toLowerCase(), wanted))
    .slice(0, 3)
    .map(({ name }) => (parts.length > 1 ? `${dirname(parts.join("/"))}/${name}` : name));
  return near.length > 0 ? ` Did you mean: ${near.join(", ")}?` : "";
}

function looksLike(name: string, wanted: string): boolean {
  const [a, b] = [name.replace(/\.[^.]*$/, ""), wanted.replace(/\.[^.]*$/, "")];
  return name === wanted || a === b || (b.length > 3 && a.includes(b)) || (a.length > 3 && b.includes(a));
}
