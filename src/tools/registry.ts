import { TOOL_ENTRIES, type ToolEntry } from "../../generated/tools.ts";
import type { Tool } from "./types.ts";

/** The tools that are there, by name. Rooms put theirs in while the gateway is composed. */
export class ToolRegistry {
  private readonly tools = new Map<string, Tool>();

  /** @throws RangeError for a name that is taken, or that the catalogue calls planned */
  add(...tools: readonly Tool[]): void {
    for (const tool of tools) {
      if (entryOf(tool.name)?.status === "planned") throw new RangeError(`${tool.name} is planned in the catalogue`);
      if (this.tools.has(tool.name)) throw new RangeError(`there are two tools ${tool.name}`);
      this.tools.set(tool.name, tool);
    }
  }

  find(name: string): Tool | undefined {
    return this.tools.get(name);
  }

  /** In the catalogue's order, then those that it does not know. */
  all(): Tool[] {
    const known = TOOL_ENTRIES.flatMap(({ name }) => this.tools.get(name) ?? []);
    return [...known, ...[...this.tools.values()].filter(({ name }) => entryOf(name) === undefined)];
  }
}

/** What the catalogue says of a tool. */
export const entryOf = (name: string): ToolEntry | undefined => TOOL_ENTRIES.find((entry) => entry.name === name);
