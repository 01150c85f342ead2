import type { Stats } from "node:fs";
import { changeFiles } from "../../platform/fs-safe/changes.ts";
import { PathRefused } from "../../platform/fs-safe/refusal.ts";
import { type Tool, ToolError, textResult } from "../types.ts";
import { type Area, pathOf } from "./area.ts";
import type { FileToolDeps } from "./create.ts";
import { showDiff } from "./diff.ts";
import { permitWrite } from "./permit.ts";

/** `write`: a whole file, with the folders it needs (results as measured from 2026.9.6). */
export function writeTool({ area, defender, limits }: FileToolDeps): Tool {
  return {
    name: "write",
    description: "Writes a whole file in the place of what was there. Makes the folders it needs.",
    parameters: {
      type: "object",
      required: ["path", "content"],
      properties: {
        path: { type: "string", description: "The file, relative to the workspace or absolute." },
        content: { type: "string", description: "What the file is to hold." },
      },
    },
    run: async (args, context) => {
      const given = pathOf(args);
      const here = area(context);
      const { parts, path } = here.wanted(given);
      const bytes = Buffer.from(String(args.content));
      if (bytes.length > limits.toolFileBytes) throw new ToolError(`More than ${limits.toolFileBytes} bytes: ${path}`);
      try {
        const old = await contentOf(here, parts, limits.toolFileBytes);
        if (old?.bytes?.equals(bytes)) {
          return textResult(`No changes made to ${shown(here, given, path)}. The file already has identical content.`, {
            changed: false,
          });
        }
        await permitWrite(defender, { path: here.root.resolved(parts), content: bytes }, context);
        await changeFiles(here.root, [{ parts, bytes, before: old?.facts ?? "absent" }]);
        const before = old === undefined ? "" : old.bytes?.toString("utf8");
        const diff = before === undefined ? "" : showDiff(before, bytes.toString("utf8"), limits.toolDiffChars);
        return textResult(`Successfully wrote ${bytes.length} bytes to ${shown(here, given, path)}`, {
          changed: true,
          created: old === undefined,
          ...(diff === "" ? {} : { diff }),
        });
      } catch (error) {
        const isNoFile =
          error instanceof PathRefused && (error.problem === "a-folder" || error.problem === "not-a-file");
        throw isNoFile ? new ToolError(`not a file: ${path}`) : here.told(error, given);
      }
    },
  };
}

/** What the file holds; undefined when there is none, without bytes when it is larger than looked at. */
async function contentOf(
  here: Area,
  parts: readonly string[],
  maxBytes: number,
): Promise<{ bytes?: Buffer; facts: Stats } | undefined> {
  try {
    const { handle, facts } = await here.root.open(parts);
    try {
      return facts.size > maxBytes ? { facts } : { bytes: await handle.readFile(), facts };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof PathRefused && error.problem === "missing") return undefined;
    throw error;
  }
}

/** As upstream shows it: a contained path in full, another one as the model wrote it. */
const shown = (here: Area, given: string, path: string): string => (here.isContained ? path : given);
