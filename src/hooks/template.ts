import { LIMITS } from "../../generated/limits.ts";
import { HookRefusal } from "./refusal.ts";

/** What the placeholders of a template see. */
export interface TemplateFacts {
  payload: Record<string, unknown>;
  /** Names in lower case; without those that carry secrets. */
  headers: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  /** The subpath that was called. */
  path: string;
  /** ISO time. */
  now: string;
}

const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;

export const isTemplate = (text: string): boolean => /\{\{[^{}]*\}\}/.test(text);

/** What the template itself says, without what is filled in. */
export const ownWords = (template: string): string => template.replace(PLACEHOLDER, " ").trim();

/**
 * Fills in `{{payload.field}}`, `{{field}}`, `{{items[0].name}}`, `{{headers.x-event}}`, `{{query.kind}}`, `{{path}}` and
 * `{{now}}` (docs: config-hooks, "Mapping details"). What is not there becomes nothing, objects become JSON; what was
 * filled in is not looked at again.
 * @throws HookRefusal when the result is too long
 */
export function render(template: string, facts: TemplateFacts): string {
  let length = template.length;
  return template.replace(PLACEHOLDER, (_, expression: string) => {
    const text = shown(lookUp(expression.trim(), facts));
    length += text.length;
    if (length > LIMITS.hookTextChars) throw new HookRefusal(413, "the rendered text is too long");
    return text;
  });
}

function lookUp(expression: string, facts: TemplateFacts): unknown {
  const steps = expression.split(/[.[\]]/).filter((step) => step !== "");
  const [first = "", ...rest] = steps;
  switch (first) {
    case "path":
      return facts.path;
    case "now":
      return facts.now;
    case "headers":
      return facts.headers[rest.join(".").toLowerCase()];
    case "query":
      return at(facts.query, rest);
    case "payload":
      return at(facts.payload, rest);
    default:
      return at(facts.payload, steps);
  }
}

/** Own properties only: what an object inherits is not the sender's. */
function at(root: unknown, steps: readonly string[]): unknown {
  let value = root;
  for (const step of steps) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
