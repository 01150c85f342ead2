import type { Call } from "../call.ts";

/** What a rule may know beside the call. */
export interface Surroundings {
  /** Every call of the text. */
  calls: readonly Call[];
  /** Absolute; what lies below is the agent's own. */
  workspace: string;
}

/** A rule about one program call. Its reason is for people and never holds a part of the command. */
export interface Rule {
  id: string;
  /** 0 to 100: 50 asks a person, 80 refuses, as the policy is set by default. */
  score: number;
  reason: string;
  applies(call: Call, surroundings: Surroundings): boolean;
}

/** The rules of one matter, with the reason that they share. */
export function rules(
  reason: string,
  table: Readonly<Record<string, readonly [score: number, applies: Rule["applies"]]>>,
): Rule[] {
  return Object.entries(table).map(([id, [score, applies]]) => ({ id: `command.${id}`, score, reason, applies }));
}

/** Values of the arguments. */
export const values = (call: Call): readonly string[] => call.values;

/** Arguments that are no options. */
export const operands = (call: Call): string[] => values(call).filter((value) => !/^[-+]./.test(value));

/** The whole call in one line, for patterns over several words. */
export const line = (call: Call): string => call.line;

/** True when a short option (`r` of `-rf`) or one of the long ones is given. */
export const has = (call: Call, short: string, ...long: string[]): boolean =>
  values(call).some(
    (value) =>
      (short !== "" && /^-[A-Za-z0-9]+$/.test(value) && [...short].some((letter) => value.includes(letter, 1))) ||
      long.some((option) => value === option || value.startsWith(`${option}=`)),
  );

/** Paths that a call writes by its own redirections. */
export const written = ({ redirects }: Call): string[] =>
  redirects.filter(({ operator }) => operator.includes(">") && !/&$/.test(operator)).map(({ target }) => target);

/** Where a call writes: redirections, `tee`, `dd of=`, the target of a copy, a file edited in place. */
export function targets(call: Call): string[] {
  const paths = written(call);
  const own = operands(call);
  if (call.name === "tee") paths.push(...own);
  if (call.name === "dd") paths.push(...own.flatMap((word) => (word.startsWith("of=") ? [word.slice(3)] : [])));
  if (/^(?:cp|mv|install|ln|rsync|scp)$/.test(call.name) && own.length > 1) paths.push(own.at(-1)!);
  if (/^(?:sed|perl)$/.test(call.name) && has(call, "i", "--in-place")) paths.push(...own.slice(1));
  if (/^(?:chmod|chown|touch|truncate|shred|chattr|vi|vim|nano|ed)$/.test(call.name)) paths.push(...own);
  if (/^(?:curl|wget)$/.test(call.name)) {
    const given = values(call);
    paths.push(
      ...given.flatMap((word, at) =>
        /^(?:-o|-O|--output|--output-document)$/.test(word) ? [given[at + 1] ?? ""] : [],
      ),
    );
  }
  return paths;
}
