import type { Config } from "../../config/config.ts";
import { lookUpSchema } from "../../config/schema.ts";
import { GatewayError } from "../../platform/errors.ts";
import { grantsBeyondProfile, profileOf } from "../policy.ts";
import { jsonResult, type Tool, ToolError } from "../types.ts";

const MOST_CHARS = 60_000;

/**
 * `gateway`: reads the configuration, with its secrets taken out, and what its keys mean. It changes nothing: what a
 * model is talked into must not weaken the gateway that holds it (KNOWN_ATTACKS 43). In the limited profiles upstream's
 * tool only updates the gateway, which agents cannot do here, so there it is not offered unless `alsoAllow` names it.
 */
export function gatewayTool(config: Pick<Config, "snapshot"> & { readonly current: object }): Tool {
  return {
    name: "gateway",
    description:
      "Reads this gateway's configuration (config.get, optionally one path such as agents.defaults; secrets are taken out) and what a key means (config.schema.lookup with its path). It changes nothing; ask the person to change the configuration.",
    parameters: {
      type: "object",
      properties: {
        action: { type: "string", enum: ["config.get", "config.schema.lookup"] },
        path: { type: "string", maxLength: 300, description: "Keys with dots between them." },
      },
      required: ["action"],
      additionalProperties: false,
    },
    isAvailable: ({ agentId }) =>
      profileOf(config.current, agentId) === "full" || grantsBeyondProfile(config.current, agentId, "gateway"),
    async run({ action, path }) {
      if (action === "config.schema.lookup") return jsonResult({ ...(await meaning(path)) });
      const snapshot = (await config.snapshot()) as { config?: unknown; hash?: unknown; valid?: unknown };
      const value = path === undefined ? snapshot.config : at(snapshot.config, String(path));
      if (value === undefined) throw new ToolError(`Nothing is configured at ${path}.`);
      if (JSON.stringify(value).length > MOST_CHARS) throw new ToolError("That is too long; name a path inside it.");
      return jsonResult({ ...(path === undefined ? {} : { path }), value, hash: snapshot.hash, valid: snapshot.valid });
    },
  };
}

async function meaning(path: unknown): Promise<object> {
  if (typeof path !== "string" || path.trim() === "") throw new ToolError("path required");
  try {
    return (await lookUpSchema(path)) as object;
  } catch (error) {
    if (error instanceof GatewayError) throw new ToolError(error.message);
    throw error;
  }
}

/** The value under keys with dots between them; only own keys count. */
function at(value: unknown, path: string): unknown {
  let found = value;
  for (const key of path.split(".").filter((part) => part !== "")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}
