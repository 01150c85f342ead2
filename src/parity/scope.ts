import { join } from "node:path";
import { METHODS } from "../../generated/methods.ts";
import { type ParityCase, RECORDINGS } from "./cases.ts";
import { authorityOf, PRESETS } from "./connect-params.ts";
import { references } from "./variables.ts";

/**
 * What is asked of a case: that the answer agrees with the recorded one, that a planned method is answered as an
 * unknown one, or nothing, with the reason.
 */
export type Verdict =
  /** `exception` names the paths that may differ, or none when nothing is compared. */
  | { kind: "compare"; exception?: Exception }
  | { kind: "planned"; method: string }
  | { kind: "skip"; reason: string }
  /** A step that only prepares others, such as ending a connection. */
  | { kind: "step" };

/** Recorded cases that cannot agree in every point, and why. Read from exceptions.yaml, which explains the fields. */
export interface Exception {
  ids: string[];
  reason: string;
  ignore?: string[];
  until?: string[];
}

/** The reviewed list of cases that cannot agree. @throws when an entry lacks cases or a reason */
export async function readExceptions(path = join(RECORDINGS, "exceptions.yaml")): Promise<Exception[]> {
  const entries = (Bun.YAML.parse(await Bun.file(path).text()) as Exception[] | null) ?? [];
  for (const entry of entries) {
    if (!entry.ids?.length || !entry.reason) {
      throw new Error(`${path}: an exception needs ids and a reason: ${JSON.stringify(entry)}`);
    }
  }
  return entries;
}

export interface ScopeOptions {
  exceptions: readonly Exception[];
  /** Methods with a handler; by default those of the spec. */
  implemented?: ReadonlySet<string>;
}

/**
 * Judges the cases in the order of their execution. A case that uses what a planned or skipped case would have
 * saved, or awaits its answer, is skipped too.
 * @throws Error when an exception names no case
 */
export function judge(cases: readonly ParityCase[], options: ScopeOptions): Map<string, Verdict> {
  const { implemented = new Set(Object.keys(METHODS)) } = options;
  const isOpen = ({ until = [] }: Exception): boolean =>
    until.length === 0 || until.some((name) => !implemented.has(name));
  const exceptions = new Map(options.exceptions.filter(isOpen).flatMap((each) => each.ids.map((id) => [id, each])));
  const verdicts = new Map<string, Verdict>();
  /** Names that would have been saved, and the case that was not run. */
  const missing = new Map<string, string>();

  for (const step of cases) {
    const verdict = judgeOne(step);
    verdicts.set(step.id, verdict);
    for (const name of Object.keys(step.save ?? {})) {
      if (verdict.kind === "compare") missing.delete(name);
      else missing.set(name, step.id);
    }
  }
  for (const id of options.exceptions.flatMap(({ ids }) => ids)) {
    if (!verdicts.has(id)) throw new Error(`exceptions.yaml names the case ${id}, which does not exist`);
  }
  return verdicts;

  function judgeOne(step: ParityCase): Verdict {
    if (step.disconnect !== undefined) return { kind: "step" };
    const lost = references([step.params, step.connect, step.raw]).find((name) => missing.has(name));
    if (lost !== undefined) return { kind: "skip", reason: `needs ${lost} of ${missing.get(lost)}, which was not run` };
    if (step.await !== undefined && verdicts.get(step.await)?.kind !== "compare") {
      return { kind: "skip", reason: `awaits ${step.await}, which was not run` };
    }
    const { method } = step;
    if (!isForTransport(step) && !implemented.has(method!)) return { kind: "planned", method: method! };
    const exception = exceptions.get(step.id);
    return exception === undefined ? { kind: "compare" } : { kind: "compare", exception };
  }
}

/** Cases that the transport answers by itself: sockets of their own, connections, frames that name no method. */
const isForTransport = ({ raw, method }: ParityCase): boolean =>
  raw !== undefined || method === undefined || method === "connect" || method === "";

/** What a planned method has to answer: what an unknown one does, which depends on the caller alone. */
export function unknownMethodError(
  step: ParityCase,
  connections: ReadonlyMap<string, ParityCase["connect"]>,
): { code: string; message: string } {
  const spec = step.connect ?? connections.get(step.as ?? "main") ?? PRESETS[step.as ?? "main"] ?? {};
  const { role, scopes } = authorityOf(spec);
  if (role !== "operator") return { code: "INVALID_REQUEST", message: `unauthorized role: ${role}` };
  if (scopes.includes("operator.admin")) return { code: "INVALID_REQUEST", message: `unknown method: ${step.method}` };
  return { code: "FORBIDDEN", message: "missing scope: operator.admin" };
}
