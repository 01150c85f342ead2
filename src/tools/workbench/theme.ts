import type { Themes } from "../../ui/themes.ts";
import { asked, object } from "../domain.ts";
import { jsonResult, type Tool, ToolError } from "../types.ts";

/** `theme`: the looks of the page. A turn has no signed-in person whose choice could be changed; the refusal says so. */
export function themeTool(themes: Themes): Tool {
  return {
    name: "theme",
    description:
      "Tells the looks of the page (list), the one in force or another (get, id), and chooses one for the person who asks (set, id or mode; null takes the choice back), which needs a person who is signed in.",
    parameters: object(
      {
        action: { type: "string", enum: ["list", "get", "set"] },
        id: { anyOf: [{ type: "string", minLength: 1 }, { type: "null" }] },
        mode: { anyOf: [{ type: "string", enum: ["system", "light", "dark"] }, { type: "null" }] },
      },
      ["action"],
    ),
    async run({ action, id, mode }) {
      if (action === "list") return jsonResult({ ...themes.list() });
      if (action === "get") {
        const named = typeof id === "string" ? { id } : {};
        return jsonResult({ ...(await asked(() => themes.get(named))) });
      }
      if (id === undefined && mode === undefined) throw new ToolError("set requires id or mode");
      return asked(() => themes.set({ id, mode } as Parameters<Themes["set"]>[0]));
    },
  };
}
