import { GatewayError } from "../platform/errors.ts";
import { ToolError } from "./types.ts";

/** What a domain does for a tool. @throws ToolError with the domain's words where it refuses */
export async function asked<T>(work: Promise<T> | (() => Promise<T> | T)): Promise<T> {
  try {
    return await (typeof work === "function" ? work() : work);
  } catch (error) {
    if (error instanceof GatewayError) throw new ToolError(error.message);
    throw error;
  }
}

/** The parameters of a tool that takes nothing else. */
export const object = (
  properties: Record<string, unknown>,
  required: readonly string[] = [],
): Record<string, unknown> => ({
  type: "object",
  properties,
  ...(required.length > 0 ? { required } : {}),
  additionalProperties: false,
});
