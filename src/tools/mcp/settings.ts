import type { GatewayConfig } from "../../../generated/config.ts";
import { isMetadataOrigin } from "../../models/credentials.ts";
import { dict, text } from "../../models/settings.ts";
import { isPlainVariable } from "../../platform/steering-env.ts";

/** How a server is reached. */
export type McpTarget =
  | { kind: "stdio"; command: string; args: string[]; env: Record<string, string>; cwd: string | undefined }
  | {
      /** Streamable HTTP, or the older pair of an event stream and a place to post to. */
      kind: "http" | "sse";
      url: string;
      headers: Record<string, string>;
      tls: { rejectUnauthorized?: false; certFile?: string; keyFile?: string };
    };

/** One entry of `mcp.servers` (docs: gateway/config-extensions, cli/mcp/transports). */
export interface McpServerSettings {
  name: string;
  target: McpTarget;
  connectTimeoutMs: number;
  requestTimeoutMs: number;
  /** Calls may run side by side. */
  isParallel: boolean;
  /** Whether a tool of the server is used, by the server's name for it. */
  takes(tool: string): boolean;
  /** The entry as it stands in the configuration: two that are alike mean the same server. */
  source: unknown;
  /** Variables of `env` that are not given to it, as they change what programs run. */
  droppedVariables: string[];
}

export interface McpSettings {
  servers: McpServerSettings[];
  /** Servers that cannot be used as they are configured, and why. */
  problems: { name: string; problem: string }[];
  /** After how long without use a session's servers end; 0 for never. */
  idleMs: number;
}

const known = new WeakMap<object, McpSettings>();

/** The servers that are switched on. Read once for each configuration. */
export function mcpSettings(config: Pick<GatewayConfig, "mcp">): McpSettings {
  const raw = dict(config.mcp);
  const before = known.get(raw);
  if (before) return before;
  const settings = read(raw);
  known.set(raw, settings);
  return settings;
}

function read(raw: Readonly<Record<string, unknown>>): McpSettings {
  const settings: McpSettings = { servers: [], problems: [], idleMs: Math.floor(positive(raw.sessionIdleTtlMs) ?? 0) };
  for (const [name, entry] of Object.entries(dict(raw.servers))) {
    const server = dict(entry);
    if (server.enabled === false) continue;
    const target = targetOf(server);
    if (typeof target === "string") settings.problems.push({ name, problem: target });
    else {
      const env = Object.keys(dict(server.env));
      settings.servers.push({
        name,
        source: entry,
        target,
        connectTimeoutMs: positive(server.connectionTimeoutMs) ?? 30_000,
        requestTimeoutMs: positive(server.requestTimeoutMs) ?? 60_000,
        isParallel: server.supportsParallelToolCalls === true,
        takes: filterOf(dict(server.toolFilter)),
        droppedVariables: target.kind === "stdio" ? env.filter((key) => !Object.hasOwn(target.env, key)) : [],
      });
    }
  }
  return settings;
}

/** What is wrong with it in words, when it cannot be reached. */
function targetOf(server: Readonly<Record<string, unknown>>): McpTarget | string {
  const [command, url, transport] = [text(server.command), text(server.url), text(server.transport)];
  if (transport === "stdio" || (transport === undefined && url === undefined)) {
    if (command === undefined) return "it has neither a command nor a url";
    const cwd = text(server.cwd) ?? text(server.workingDirectory);
    return { kind: "stdio", command, args: texts(server.args), env: variables(dict(server.env)), cwd };
  }
  const address = url === undefined ? null : URL.parse(url);
  if (address === null || !/^https?:$/.test(address.protocol)) return "its url is no http or https address";
  if (isMetadataOrigin(address.href)) return "its url must not be called";
  if (server.auth === "oauth")
    return "it asks for OAuth, which this gateway cannot do for servers; give it a header instead";
  return {
    kind: transport === "streamable-http" || server.type === "http" ? "http" : "sse",
    url: address.href,
    headers: plainTexts(dict(server.headers)),
    tls: {
      ...(server.sslVerify === false ? { rejectUnauthorized: false as const } : {}),
      ...(text(server.clientCert) ? { certFile: text(server.clientCert)! } : {}),
      ...(text(server.clientKey) ? { keyFile: text(server.clientKey)! } : {}),
    },
  };
}

/** Credentials of package registries, whose names look like those of variables that steer programs. */
const CREDENTIALS = /^(?:NPM_TOKEN|NODE_AUTH_TOKEN)$/;

/** What a server may be started with: nothing that makes programs do something else (KNOWN_ATTACKS 45, 82). */
const variables = (env: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(plainTexts(env)).filter(
      ([name, value]) => (isPlainVariable(name) || CREDENTIALS.test(name)) && !value.includes("\0"),
    ),
  );

const plainTexts = (values: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      typeof value === "string" || typeof value === "number" || typeof value === "boolean"
        ? [[name, String(value)]]
        : [],
    ),
  );

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];

/** `include` limits, `exclude` hides; entries are names or globs with `*`. */
function filterOf({ include, exclude }: Readonly<Record<string, unknown>>): (tool: string) => boolean {
  const [wanted, hidden] = [texts(include).map(glob), texts(exclude).map(glob)];
  return (tool) => (wanted.length === 0 || wanted.some((is) => is(tool))) && !hidden.some((is) => is(tool));
}

/** Linear: only the ends and what stands between stars are compared. */
function glob(pattern: string): (name: string) => boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return (name) => name === pattern;
  return (name) => {
    if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
    let at = first.length;
    for (const part of rest) {
      const found = name.indexOf(part, at);
      if (found < 0 || found + part.length > name.length - last.length) return false;
      at = found + part.length;
    }
    return true;
  };
}

const positive = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? value : undefined;
