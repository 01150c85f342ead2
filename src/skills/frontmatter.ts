import { parseJson5 } from "../config/json5.ts";
import { dict, text } from "../models/settings.ts";

/** How one of a skill's missing programs can be installed. */
export interface SkillInstaller {
  id: string;
  kind: string;
  label: string;
  bins: string[];
  /** Platforms it is for; all when empty. */
  os: string[];
}

/** What a `SKILL.md` says of its skill (docs: tools/skills, "SKILL.md format" and "Gating"). */
export interface SkillFacts {
  name: string;
  description: string;
  /** The first heading of the text; the name where there is none. */
  title: string;
  skillKey: string;
  homepage?: string;
  emoji?: string;
  primaryEnv?: string;
  always: boolean;
  userInvocable: boolean;
  modelInvocable: boolean;
  requires: { bins: string[]; anyBins: string[]; env: string[]; config: string[]; os: string[] };
  install: SkillInstaller[];
  /** What an internal hook listens to; skills have none. */
  events: string[];
}

const HEAD = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/;

/** The facts at the head of a `SKILL.md`, or null when it describes no skill: no head, no name or no description. */
export function parseSkill(markdown: string, folder: string): SkillFacts | null {
  const head = HEAD.exec(markdown)?.[1];
  const fields = head === undefined ? null : parseHead(head);
  const description = text(fields?.description)?.replace(/\s+/g, " ");
  if (!fields || !description) return null;
  const name = text(fields.name) ?? folder;
  const heading = /^#[ \t]+(.+?)[ \t#]*$/m.exec(textOf(markdown))?.[1];
  const own = ownMetadata(fields.metadata);
  const requires = dict(own.requires);
  const shown = {
    homepage: text(fields.homepage) ?? text(own.homepage),
    emoji: text(own.emoji),
    primaryEnv: text(own.primaryEnv),
  };
  return {
    name,
    description,
    title: heading ?? name,
    skillKey: text(own.skillKey) ?? text(own.hookKey) ?? name,
    ...Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined)),
    always: own.always === true,
    userInvocable: !isNo(fields["user-invocable"]),
    modelInvocable: !isYes(fields["disable-model-invocation"]),
    requires: {
      bins: words(requires.bins),
      anyBins: words(requires.anyBins),
      env: words(requires.env),
      config: words(requires.config),
      os: words(own.os),
    },
    install: (Array.isArray(own.install) ? own.install : []).map((raw, index) => installer(dict(raw), index)),
    events: words(own.events),
  };
}

/** What stands behind the head. */
export const textOf = (markdown: string): string => markdown.replace(HEAD, "").trim();

/** YAML; where that fails, the lines `key: value` alone, as heads are often written with colons in their texts. */
function parseHead(head: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = Bun.YAML.parse(head);
    return isMapping(parsed) ? parsed : null;
  } catch {
    const lines = head.split(/\r?\n/).flatMap((line) => {
      const match = /^([A-Za-z][\w-]*):\s*(.*)$/.exec(line);
      return match ? [[match[1]!, match[2]!.replace(/^(["'])(.*)\1$/, "$2")] as const] : [];
    });
    return lines.length > 0 ? Object.fromEntries(lines) : null;
  }
}

/** `metadata.openclaw`, written as a mapping or as JSON5 in a text. */
function ownMetadata(metadata: unknown): Record<string, unknown> {
  let value = metadata;
  if (typeof value === "string") {
    try {
      value = parseJson5(value, "SKILL.md");
    } catch {
      value = {};
    }
  }
  return dict(dict(value).openclaw);
}

/** What an installer installs, by its kind. */
const SUBJECT: Readonly<Record<string, string>> = { brew: "formula", node: "package", go: "module", uv: "package" };
const TOOL: Readonly<Record<string, string>> = { node: "npm" };

function installer(raw: Record<string, unknown>, index: number): SkillInstaller {
  const kind = text(raw.kind) ?? "download";
  const subject = text(raw[SUBJECT[kind] ?? "url"]) ?? kind;
  return {
    id: text(raw.id) ?? `${kind}-${index}`,
    kind,
    label: text(raw.label) ?? `Install ${subject} (${TOOL[kind] ?? kind})`,
    bins: words(raw.bins),
    os: words(raw.os),
  };
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const words = (value: unknown): string[] =>
  (Array.isArray(value) ? value : []).flatMap((word) => (typeof word === "string" && word.trim() ? [word.trim()] : []));

const isYes = (value: unknown): boolean =>
  value === true || (typeof value === "string" && /^(true|yes|on|1)$/i.test(value));
const isNo = (value: unknown): boolean =>
  value === false || (typeof value === "string" && /^(false|no|off|0)$/i.test(value));
