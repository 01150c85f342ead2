import { GatewayError } from "../../platform/errors.ts";

const NO_RUNTIME = "MCP App runtime is unavailable";
const NO_VIEW = "MCP App view expired or is not authorized for this session";

/**
 * The methods by which a page of an MCP server speaks with its server (docs: cli/mcp/apps; as measured at 2026.9.6). This
 * gateway shows no pages of servers and so has given out no view: every call is answered as one whose view is no more.
 * @param own the parameter that the method needs beside session and view
 * @throws GatewayError always
 */
export function withoutView(params: Readonly<Record<string, unknown>>, own?: string): never {
  for (const name of [...(own === undefined ? [] : [own]), "sessionKey", "viewId"]) {
    const value = params[name];
    if (typeof value !== "string" || value.trim() === "") throw new GatewayError("UNAVAILABLE", `${name} is required`);
  }
  throw new GatewayError("UNAVAILABLE", NO_VIEW, { details: { code: "MCP_APP_VIEW_EXPIRED" } });
}

/** The same for the call that asks for the page itself. @throws GatewayError always */
export function withoutPage(params: Readonly<Record<string, unknown>>): never {
  try {
    return withoutView(params);
  } catch (error) {
    if (error instanceof GatewayError && error.message !== NO_VIEW) throw error;
    throw new GatewayError("UNAVAILABLE", NO_RUNTIME);
  }
}
