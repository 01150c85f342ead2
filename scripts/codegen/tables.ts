import { docComment, header, type Output, propertyKey, quote } from "./emit.ts";
import type { SpecModel } from "./spec.ts";

const ADMIN = "operator.admin";

/** `events.ts`: every event of the protocol with its payload and its audience. */
export function emitEvents(spec: SpecModel): Output[] {
  const rows = spec.events.map((event) => {
    const { name, note, ...rest } = event;
    const body = Object.entries(rest).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
    return `${docComment(note, "  ")}  ${quote(name)}: { ${body.join(", ")} },`;
  });
  const payloads = spec.events.map(({ name, payload }) => `  ${quote(name)}: T.${payload};`);
  const text = `${header("tables.ts", "spec/chela/events, spec/chela/extensions")}import type * as T from "./types.ts";

export interface EventSpec {
  /** Type name of the payload. */
  readonly payload: string;
  /** The scope a connection needs to get it. Null: none. */
  readonly scope: string | null;
  readonly roles: "operator" | "node" | "any";
  /** A slow reader misses it. The others close a reader that is too slow. */
  readonly droppable: boolean;
  /** What a connection must have subscribed to. */
  readonly subscription: "sessions" | "session-messages" | null;
  readonly status: "implemented" | "planned";
  /** Listed in \`hello-ok.features.events\` when implemented. */
  readonly advertised: boolean;
}

export const EVENTS = {
${rows.join("\n")}
} as const satisfies Record<string, EventSpec>;

export type EventName = keyof typeof EVENTS;

/** Payload of every event. */
export interface EventMap {
${payloads.join("\n")}
}
`;
  return [{ path: "events.ts", text }];
}

/** `errors.ts`: error codes and close codes. */
export function emitErrors(spec: SpecModel): Output[] {
  const errors = Object.entries(spec.errors).map(
    ([code, { retryable, http, meaning }]) =>
      `${docComment(meaning, "  ")}  ${code}: { retryable: ${retryable}, http: ${http} },`,
  );
  const closes = Object.entries(spec.closes).map(
    ([name, { code, reason, meaning }]) =>
      `${docComment(meaning, "  ")}  ${name}: { code: ${code}, reason: ${quote(reason)} },`,
  );
  const text = `${header("tables.ts", "spec/chela/errors.yaml")}
export interface ErrorSpec {
  /** Whether the same request may succeed later without a change by the caller. */
  readonly retryable: boolean;
  /** The status of the same error over HTTP. */
  readonly http: number;
}

export const ERRORS = {
${errors.join("\n")}
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/** Close codes of the socket with their reason text. */
export const CLOSE_CODES = {
${closes.join("\n")}
} as const satisfies Record<string, { readonly code: number; readonly reason: string }>;
`;
  return [{ path: "errors.ts", text }];
}

/** `scopes.ts`: what an operator may be allowed, and which scopes say more than one thing. */
export function emitScopes(spec: SpecModel): Output[] {
  const names = Object.keys(spec.scopes);
  const rows = Object.entries(spec.scopes).map(([name, { meaning }]) => {
    const holders = names.filter(
      (other) => other !== name && (other === ADMIN || spec.scopes[other]!.satisfies?.includes(name)),
    );
    return `${docComment(meaning, "  ")}  ${quote(name)}: ${JSON.stringify(holders)},`;
  });
  const text = `${header("tables.ts", "spec/chela/scopes.yaml")}
/** Satisfies every scope, also those that are not listed. */
export const ADMIN_SCOPE = ${quote(ADMIN)};

/** Scope to the wider ones that satisfy it. */
export const SCOPES = {
${rows.join("\n")}
} as const satisfies Record<string, readonly string[]>;

export type ScopeName = keyof typeof SCOPES;
`;
  return [{ path: "scopes.ts", text }];
}

/** `limits.ts`: every bound, with unit and reason. */
export function emitLimits(spec: SpecModel): Output[] {
  const rows = Object.entries(spec.limits).map(
    ([name, { value, unit, reason }]) => `${docComment(`${unit}. ${reason}`, "  ")}  ${propertyKey(name)}: ${value},`,
  );
  const units = Object.entries(spec.limits).map(
    ([name, { unit, reason }]) => `  ${propertyKey(name)}: { unit: ${quote(unit)}, reason: ${quote(reason)} },`,
  );
  const text = `${header("tables.ts", "spec/chela/limits.yaml")}
export const LIMITS = {
${rows.join("\n")}
} as const;

export type LimitName = keyof typeof LIMITS;

/** Unit and reason of each limit, for people. */
export const LIMIT_NOTES: Readonly<Record<LimitName, { readonly unit: string; readonly reason: string }>> = {
${units.join("\n")}
};
`;
  return [{ path: "limits.ts", text }];
}
