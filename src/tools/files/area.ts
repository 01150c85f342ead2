import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { PathRefused } from "../../platform/fs-safe/refusal.ts";
import { SafeRoot } from "../../platform/fs-safe/root.ts";
import { type ToolContext, ToolError } from "../types.ts";

/** A path of a call, as it was understood. */
export interface Wanted {
  /** Names beneath the root. */
  parts: string[];
  /** Absolute, for texts. */
  path: string;
}

/** Where the file tools of one call may go: the workspace, or everywhere when the configuration lets them out. */
export class Area {
  private constructor(
    readonly root: SafeRoot,
    readonly workspace: string,
    readonly isContained: boolean,
    private readonly at: string | undefined,
  ) {}

  /**
   * @param context `at` is what the workspace is called within the session's sandbox
   * @throws ToolError when there is no workspace
   */
  static of(context: Pick<ToolContext, "workspace" | "isSandboxed"> & { at?: string }, staysInside: boolean): Area {
    const workspace = resolve(context.workspace);
    const isContained = staysInside || context.isSandboxed;
    try {
      const root = isContained
        ? SafeRoot.at(workspace, { links: "inside" })
        : SafeRoot.at(resolve("/"), { links: "inside", allowsSecondNames: true });
      return new Area(root, workspace, isContained, context.at);
    } catch (error) {
      throw error instanceof PathRefused ? new ToolError(`The workspace cannot be opened: ${short(workspace)}`) : error;
    }
  }

  /**
   * Understands a path as models write them: relative to the workspace, absolute, from `~`, as `file:` address, with an
   * `@` in front, with spaces of other kinds.
   * @throws ToolError for one that leads outside
   */
  wanted(given: string): Wanted {
    if (given.includes("\0")) throw new ToolError("absolute path contains a NUL byte");
    const text = this.outside(plain(given));
    const absolute = isAbsolute(text) ? resolve(text) : resolve(this.workspace, text);
    try {
      const parts = this.root.parts(absolute);
      return { parts, path: this.shown(join(this.root.given, ...parts)) };
    } catch (error) {
      throw this.told(error, given, text);
    }
  }

  /** The path on this machine of one that commands in the sandbox know. */
  private outside(path: string): string {
    const { at, workspace } = this;
    const isInside = at !== undefined && (path === at || path.startsWith(`${at}/`));
    return isInside ? join(workspace, path.slice(at.length)) : path;
  }

  /** A path as the model knows it. */
  private shown(path: string): string {
    const { at, workspace } = this;
    const isInside = at !== undefined && (path === workspace || path.startsWith(`${workspace}/`));
    return isInside ? at + path.slice(workspace.length) : path;
  }

  /** A path for the model: beneath the workspace when it is. */
  relative(path: string): string {
    for (const base of [this.workspace, this.isContained ? this.root.path : undefined, this.at]) {
      if (base !== undefined && path.startsWith(`${base}/`)) return path.slice(base.length + 1);
    }
    return path;
  }

  /** What the model is told of a refusal; other errors come back as they are. `given` is the path of the call. */
  told(error: unknown, given: string, path = given): unknown {
    if (!(error instanceof PathRefused)) return error;
    const root = `sandbox root (${short(this.shown(this.root.given))})`;
    const full = this.shown(error.path);
    const at = short(full);
    switch (error.problem) {
      case "outside":
        return new ToolError(
          error.path === path || error.path === resolve(this.workspace, path)
            ? `Path escapes ${root}: ${plain(given)}. Use a path inside the workspace.`
            : `Symlink escapes ${root}: ${at}`,
        );
      case "second-name":
        return new ToolError(`Hardlinked path is not allowed under ${root}: ${at}`);
      case "link":
        return new ToolError(`Symlink is not allowed here: ${at}`);
      case "missing":
        return new ToolError(`File not found: ${full}.`);
      case "not-a-folder":
        return new ToolError(`Path component is not a directory: ${full}`);
      case "a-folder":
        return new ToolError(`Path is a directory: ${full}`);
      case "not-a-file":
        return new ToolError(`Not a regular file: ${full}`);
      case "exists":
        return new ToolError(`Something is there already: ${full}`);
      case "changed":
        return new ToolError(`Changed by somebody else meanwhile: ${full}. Read it again and retry.`);
      case "too-large":
        return new ToolError(`File is too large for this tool: ${full}`);
      case "denied":
        return new ToolError(`Permission denied: ${full}`);
    }
  }
}

/** The path without what models put around it. Done before any check, so that what is checked is what is used. */
function plain(given: string): string {
  let text = given.startsWith("@") ? given.slice(1) : given;
  text = text.replace(UNUSUAL_SPACES, " ");
  if (/^file:\/\//i.test(text)) {
    try {
      text = fileURLToPath(text);
    } catch {
      throw new ToolError(`Not a path of this machine: ${given}`);
    }
    if (text.includes("\0")) throw new ToolError("absolute path contains a NUL byte");
  }
  return text === "~" || text.startsWith("~/") ? join(homedir(), text.slice(1)) : text;
}

const UNUSUAL_SPACES = /[\u00a0\u2000-\u200a\u202f\u205f\u3000]/g;

/** A path with `~` for the home folder. */
function short(path: string): string {
  const home = homedir();
  return path === home || path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}

/** The path of a call. @throws ToolError when there is none */
export function pathOf(args: Record<string, unknown>): string {
  const { path } = args;
  if (typeof path === "string" && path.trim() !== "") return path;
  const received = Object.entries(args).map(([key, value]) => (value === "" ? `${key}=<empty-string>` : key));
  throw new ToolError(
    `Missing required parameter: path (received: ${received.join(", ")}). Supply correct parameters before retrying.`,
  );
}
