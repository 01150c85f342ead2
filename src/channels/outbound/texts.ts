import { LIMITS } from "../../../generated/limits.ts";
import { invalidRequest } from "../../platform/errors.ts";

/**
 * A JSON value with every text in it changed, however deep it stands; the names of fields stay.
 * @throws GatewayError when it holds more texts, or nests deeper, than any action of a channel needs
 */
export async function withTexts(value: unknown, change: (text: string) => Promise<string>): Promise<unknown> {
  let count = 0;
  const walk = async (part: unknown, depth: number): Promise<unknown> => {
    if (typeof part === "string") {
      if (++count > LIMITS.outboundTexts) throw tooMuch();
      return change(part);
    }
    if (typeof part !== "object" || part === null) return part;
    if (depth >= LIMITS.outboundDepth) throw tooMuch();
    if (Array.isArray(part)) {
      const items: unknown[] = [];
      for (const item of part) items.push(await walk(item, depth + 1));
      return items;
    }
    const fields: [string, unknown][] = [];
    for (const [name, field] of Object.entries(part)) fields.push([name, await walk(field, depth + 1)]);
    return Object.fromEntries(fields);
  };
  return walk(value, 0);
}

const tooMuch = () => invalidRequest("params of an action hold too many texts or nest too deep");
