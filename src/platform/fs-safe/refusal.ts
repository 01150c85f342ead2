/** Why a path was not used. */
export type PathProblem =
  | "missing"
  | "outside"
  | "link"
  | "second-name"
  | "not-a-file"
  | "a-folder"
  | "not-a-folder"
  | "exists"
  | "changed"
  | "denied"
  | "too-large";

/** A path beneath a root was refused, or nothing is there. `path` is where on the way, absolute. */
export class PathRefused extends Error {
  constructor(
    readonly problem: PathProblem,
    readonly path: string,
  ) {
    super(`${TEXTS[problem]}: ${path}`);
    this.name = "PathRefused";
  }
}

const TEXTS: Record<PathProblem, string> = {
  missing: "Nothing is there",
  outside: "The path leads outside",
  link: "A link is in the way",
  "second-name": "The file has a second name",
  "not-a-file": "This is no regular file",
  "a-folder": "This is a folder",
  "not-a-folder": "This is no folder",
  exists: "Something is there already",
  changed: "The file was changed meanwhile",
  denied: "The system refuses access",
  "too-large": "The file is too large",
};

/** What the system's error of an operation on the path means; errors of other kinds are given back as they are. */
export function refusalOf(error: unknown, path: string): unknown {
  const problem = CODES[(error as { code?: string } | null)?.code ?? ""];
  return problem === undefined ? error : new PathRefused(problem, path);
}

const CODES: Readonly<Record<string, PathProblem>> = {
  ENOENT: "missing",
  ENAMETOOLONG: "missing",
  ELOOP: "link",
  ENOTDIR: "not-a-folder",
  EISDIR: "a-folder",
  ENXIO: "not-a-file",
  EEXIST: "exists",
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "denied",
};
