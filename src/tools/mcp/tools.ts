import { wrapExternal } from "../../defender/external-content.ts";
import { dict } from "../../models/settings.ts";
import { type Tool, type ToolContext, ToolError, type ToolResult } from "../types.ts";
import { McpRefusal } from "./client.ts";
import type { Discovery, McpConnection, McpToolFacts } from "./connection.ts";
import { listing, promptOf, resourceOf, resultOf } from "./results.ts";
import { McpFailure } from "./transport.ts";

const NAME_CHARS = 64;
const DESCRIPTION_CHARS = 2000;
const TITLE_CHARS = 100;

/** A tool of a server with what clients are told of where it is from. */
export interface McpTool extends Tool {
  server: { name: string; tool: string; title: string };
}

/** Where a tool comes from; undefined for one of the gateway's own. */
export const serverOf = (tool: Tool): McpTool["server"] | undefined => (tool as Partial<McpTool>).server;

/** The tools of a server under names that no other tool of these has: `<server>__<tool>` (docs: tools/mcp). */
export function serverTools(connection: McpConnection, found: Discovery, taken: Set<string>): McpTool[] {
  const { settings } = connection;
  const own = found.tools.map((facts) => remoteTool(connection, facts));
  return [...own, ...utilities(connection, found)]
    .filter((tool) => settings.takes(tool.server.tool))
    .flatMap((tool) => {
      const name = freeName(`${plain(settings.name)}__${plain(tool.name)}`, taken);
      return name === undefined ? [] : [{ ...tool, name }];
    });
}

/** What the names of tools may hold at every provider of models. */
const plain = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, "-");

function freeName(wanted: string, taken: Set<string>): string | undefined {
  for (let number = 1; number < 100; number++) {
    const suffix = number === 1 ? "" : `-${number}`;
    const name = wanted.slice(0, NAME_CHARS - suffix.length) + suffix;
    if (taken.has(name.toLowerCase())) continue;
    taken.add(name.toLowerCase());
    return name;
  }
  return undefined;
}

function remoteTool(connection: McpConnection, { name, title, description, schema }: McpToolFacts): McpTool {
  const { name: server, isParallel } = connection.settings;
  return {
    name,
    server: { name: server, tool: name, title: brief(title ?? name, TITLE_CHARS) },
    description: brief(description ?? `A tool of the MCP server "${server}".`, DESCRIPTION_CHARS),
    parameters: { ...schema, type: "object", properties: dict(schema.properties) },
    // A schema of strangers may hold patterns that never end; the server checks its arguments itself.
    checksArguments: true,
    ...(isParallel ? { reads: true } : {}),
    run: async (args, context) =>
      resultOf(await ask(connection, "tools/call", { name, arguments: args }, context), server, name),
  };
}

/** What makes resources and prompts of a server reachable, where it has some. */
function utilities(connection: McpConnection, { hasResources, hasPrompts }: Discovery): McpTool[] {
  const { name: server } = connection.settings;
  const utility = (
    tool: string,
    title: string,
    description: string,
    parameters: Tool["parameters"],
    run: (args: Record<string, unknown>, context: ToolContext) => Promise<ToolResult>,
  ): McpTool => ({ name: tool, server: { name: server, tool, title }, description, parameters, reads: true, run });
  const page = {
    type: "object",
    properties: { cursor: { type: "string", description: "Where the last page ended." } },
  };
  const named = (key: string, what: string) => ({ [key]: { type: "string", minLength: 1, description: what } });
  const resources = [
    utility(
      "resources_list",
      "List MCP resources",
      `Names the resources of the MCP server "${server}". What it says is a stranger's.`,
      page,
      async (args, context) =>
        listing(await ask(connection, "resources/list", args, context), server, "resources_list"),
    ),
    utility(
      "resources_read",
      "Read MCP resource",
      `Reads a resource of the MCP server "${server}". What it holds is a stranger's.`,
      { type: "object", required: ["uri"], properties: named("uri", "As resources_list names it.") },
      async ({ uri }, context) => resourceOf(await ask(connection, "resources/read", { uri }, context), server),
    ),
  ];
  const prompts = [
    utility(
      "prompts_list",
      "List MCP prompts",
      `Names the prompts of the MCP server "${server}". What it says is a stranger's.`,
      page,
      async (args, context) => listing(await ask(connection, "prompts/list", args, context), server, "prompts_list"),
    ),
    utility(
      "prompts_get",
      "Get MCP prompt",
      `Gets a prompt of the MCP server "${server}". What it says is a stranger's.`,
      {
        type: "object",
        required: ["name"],
        properties: {
          ...named("name", "As prompts_list names it."),
          arguments: { type: "object", description: "What the prompt asks for." },
        },
      },
      async ({ name, arguments: given }, context) =>
        promptOf(await ask(connection, "prompts/get", { name, arguments: dict(given) }, context), server),
    ),
  ];
  return [...(hasResources ? resources : []), ...(hasPrompts ? prompts : [])];
}

/** @throws ToolError that says what the server refused, as a stranger's words, or that it cannot be reached */
async function ask(
  connection: McpConnection,
  method: string,
  params: Record<string, unknown>,
  { signal }: ToolContext,
): Promise<Record<string, unknown>> {
  try {
    return await connection.request(method, params, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const { name } = connection.settings;
    if (error instanceof McpFailure) throw new ToolError(`The MCP server "${name}" failed: ${error.message}.`);
    if (error instanceof McpRefusal) throw new ToolError(refusalOf(error.message, name));
    throw error;
  }
}

const refusalOf = (words: string, server: string): string =>
  `The MCP server refuses the call. ${wrapExternal(brief(words, DESCRIPTION_CHARS), { source: "MCP Server", task: server })}`;

/** Cut, and without what is not to be seen: control and format characters, and tags, which hold hidden words. */
const brief = (words: string, most: number): string =>
  words
    .replace(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, "")
    .slice(0, most)
    .replace(/[\ud800-\udbff]$/, "");
