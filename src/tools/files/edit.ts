import { changeFiles } from "../../platform/fs-safe/changes.ts";
import { PathRefused } from "../../platform/fs-safe/refusal.ts";
import { type Tool, ToolError, textResult } from "../types.ts";
import { pathOf } from "./area.ts";
import type { FileToolDeps } from "./create.ts";
import { showDiff } from "./diff.ts";
import { type Edit, locate } from "./match.ts";
import { permitWrite } from "./permit.ts";
import { decode, encode, replaced } from "./text.ts";

/** `edit`: exact pieces of one file (results as measured from 2026.9.6). */
export function editTool({ area, defender, limits }: FileToolDeps): Tool {
  return {
    name: "edit",
    description:
      "Replaces exact pieces of one file. Every oldText must stand in the file once, as it was before the call, and none may overlap. Put changes that are close together into one.",
    parameters: {
      type: "object",
      required: ["path", "edits"],
      properties: {
        path: { type: "string", description: "The file, relative to the workspace or absolute." },
        edits: {
          type: "array",
          description: "The pieces to replace.",
          items: {
            type: "object",
            required: ["oldText", "newText"],
            properties: {
              oldText: { type: "string", description: "The text as it stands in the file, there once." },
              newText: { type: "string", description: "What takes its place." },
            },
          },
        },
      },
    },
    run: async (args, context) => {
      const given = pathOf(args);
      const edits = editsOf(args);
      const here = area(context);
      const { parts, path } = here.wanted(given);
      const shown = here.isContained ? path : given;
      try {
        const before = await here.root.read(parts, limits.toolFileBytes);
        const file = decode(before.bytes, shown);
        const found = locate(file.text, edits, shown);
        const after = replaced(file.text, found);
        if (after === file.text) {
          const text = `No changes made to ${shown}. The replacement text is identical to the original.`;
          return textResult(text, { changed: false });
        }
        const bytes = encode(file, found);
        if (bytes.length > limits.toolFileBytes)
          throw new ToolError(`More than ${limits.toolFileBytes} bytes: ${shown}`);
        await permitWrite(defender, { path: here.root.resolved(parts), content: bytes }, context);
        await changeFiles(here.root, [{ parts, bytes, before: before.facts }]);
        const diff = showDiff(file.text, after, limits.toolDiffChars);
        return textResult(`Successfully replaced ${edits.length} block(s) in ${shown}.`, { changed: true, diff });
      } catch (error) {
        const code = error instanceof PathRefused ? CODES[error.problem] : undefined;
        throw code ? new ToolError(`Could not edit file: ${path}. Error code: ${code}.`) : here.told(error, given);
      }
    },
  };
}

/** What upstream calls what is wrong with the file. */
const CODES: Readonly<Partial<Record<PathRefused["problem"], string>>> = {
  missing: "ENOENT",
  "a-folder": "not-file",
  "not-a-file": "not-file",
  link: "symlink",
};

function editsOf(args: Record<string, unknown>): Edit[] {
  const edits = args.edits as Edit[];
  if (edits.length > 0 && edits.every(({ oldText }) => oldText !== "")) return edits;
  throw new ToolError(
    "Missing required parameter: edits (received: path, edits=<array>). Supply correct parameters before retrying.",
  );
}
