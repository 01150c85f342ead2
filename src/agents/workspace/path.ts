import { invalidRequest } from "../../platform/errors.ts";

/** A path within a workspace, as it is shown, and the names it consists of. */
export interface InsidePath {
  /** With `/` between the names, without empty ones and `.`; empty for the workspace itself. */
  path: string;
  /** Undefined when the path goes up somewhere; such a one names nothing. */
  parts: string[] | undefined;
}

/**
 * Reads a path that a client gave, with `/` or `\` between the names.
 * @throws GatewayError `workspace_path_invalid` when it is not relative or leads out of the workspace
 */
export function insidePath(given: string): InsidePath {
  if (/^(?:[/\\]|[A-Za-z]:)/.test(given)) throw refused("path must be workspace-relative", given);
  const parts = given.split(/[/\\]/).filter((part) => part !== "" && part !== ".");
  let depth = 0;
  for (const part of parts) {
    depth += part === ".." ? -1 : 1;
    if (depth < 0) throw refused("path escapes the agent workspace", given);
  }
  return { path: parts.join("/"), parts: parts.includes("..") ? undefined : parts };
}

const refused = (message: string, path: string) => invalidRequest(message, { type: "workspace_path_invalid", path });
