import { PathRefused } from "../../platform/fs-safe/refusal.ts";
import { type Tool, ToolError, textResult } from "../types.ts";
import type { FileToolDeps } from "./create.ts";

/** `ls`: the names in a folder, by pages (results as measured from 2026.9.6). */
export function lsTool({ area, limits }: FileToolDeps): Tool {
  return {
    name: "ls",
    description:
      "Names what is in a folder, hidden files and links too, in the order of the bytes of the names. Names are in JSON quotes, folders end with /. To go on give the same path and the last name as after.",
    parameters: {
      type: "object",
      properties: {
        path: { type: "string", description: "The folder; the workspace unless given." },
        limit: { type: "number", description: "How many names at most, 500 unless given." },
        after: { type: "string", description: "The last name of the page before." },
      },
    },
    run: async (args, context) => {
      const { path = ".", after } = args as { path?: string; after?: string };
      const limit = typeof args.limit === "number" ? Math.max(1, Math.floor(args.limit)) : limits.toolListEntries;
      const here = area(context);
      const { parts } = here.wanted(path);
      try {
        const entries = await here.root.list(parts);
        entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
        const last = after === undefined ? undefined : Buffer.from(after);
        const rest = last ? entries.filter(({ name }) => Buffer.compare(Buffer.from(name), last) > 0) : entries;
        const page = rest.slice(0, Math.min(limit, limits.toolListEntries));
        if (page.length === 0) return textResult("(empty directory)");
        const lines = page.map(({ name, kind }) => JSON.stringify(kind === "directory" ? `${name}/` : name));
        const next = JSON.stringify(page.at(-1)!.name);
        const more = `\n\n[More entries. Continue with the same path and after=${next}.]`;
        return textResult(lines.join("\n") + (rest.length > page.length ? more : ""));
      } catch (error) {
        const isNone =
          error instanceof PathRefused && (error.problem === "missing" || error.problem === "not-a-folder");
        throw isNone ? new ToolError("directory not found") : here.told(error, path);
      }
    },
  };
}
