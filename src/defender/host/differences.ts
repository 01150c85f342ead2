import type { PathFacts } from "./facts.ts";

/** What is other than it was accepted. */
export type HostProblem = "missing" | "appeared" | "content" | "mode" | "owner" | "hard-link" | "link" | "unreadable";

/** What changed of a path since it was accepted. */
export function problemsOf(accepted: PathFacts, now: PathFacts): HostProblem[] {
  if (accepted.kind === now.kind && accepted.kind === "unreadable") return [];
  if (now.kind === "absent") return accepted.kind === "absent" ? [] : ["missing"];
  if (accepted.kind === "absent") return ["appeared"];
  if (now.kind === "unreadable") return ["unreadable"];
  const problems: HostProblem[] = [];
  if (accepted.kind !== now.kind || accepted.real !== now.real) problems.push("link");
  if (accepted.sha256 !== now.sha256) problems.push("content");
  if (accepted.mode !== now.mode) problems.push("mode");
  if (accepted.uid !== now.uid || accepted.gid !== now.gid) problems.push("owner");
  if ((now.links ?? 1) > (accepted.links ?? 1)) problems.push("hard-link");
  return problems;
}

const WORDS: Readonly<Record<HostProblem, string>> = {
  missing: "is gone",
  appeared: "is new",
  content: "has another content",
  mode: "has other permissions",
  owner: "belongs to somebody else",
  "hard-link": "has a further name",
  link: "leads elsewhere",
  unreadable: "cannot be read any more",
};

/** What a person reads of it. @param what names the path without telling it */
export const reasonOf = (what: string, problem: HostProblem): string =>
  `${what} ${WORDS[problem]} since it was accepted.`;
