import type { BoardSnapshot, BoardUpdateParams } from "../../../generated/types.ts";
import type { Boards } from "../../boards/boards.ts";
import { asked, object } from "../domain.ts";
import { type Tool, ToolError, textResult } from "../types.ts";

type Op = BoardUpdateParams["ops"][number];

const TAB = { type: "string", pattern: "^[a-z0-9-]{1,40}$" };

/** `dashboard`: the tabs of the session's dashboard. Widgets and what needs an open page are not there (docs: tools/dashboard). */
export function dashboardTool(boards: Boards): Tool {
  return {
    name: "dashboard",
    description:
      "Reads and arranges the tabs of this session's dashboard: read, tab_create (tabId, title), tab_update (tabId; title, position), tab_delete (tabId), tabs_reorder (tabIds, every tab once).",
    parameters: object(
      {
        action: { type: "string", enum: ["read", "tab_create", "tab_update", "tab_delete", "tabs_reorder"] },
        tabId: TAB,
        title: { type: "string", minLength: 1, maxLength: 80 },
        position: { type: "integer", minimum: 0 },
        tabIds: { type: "array", items: TAB },
      },
      ["action"],
    ),
    async run(args, { sessionKey }) {
      const board = await asked(
        args.action === "read" ? boards.get({ sessionKey }) : boards.update({ sessionKey, ops: [opOf(args)] }),
      );
      return textResult(`${headOf(board)}\n${JSON.stringify(board)}`, { ...board });
    },
  };
}

const headOf = ({ revision, tabs, widgets }: BoardSnapshot): string =>
  `Dashboard revision ${revision}: ${tabs.length} tabs, ${widgets.length} widgets`;

/** @throws ToolError for what the action needs and is not there */
function opOf(args: Record<string, unknown>): Op {
  const need = (name: string): never => {
    throw new ToolError(`${name} required`);
  };
  const { action, title, position } = args;
  if (action === "tabs_reorder") return { kind: "tabs_reorder", tabIds: (args.tabIds as string[]) ?? need("tabIds") };
  const tabId = (args.tabId as string) ?? need("tabId");
  if (action === "tab_create") return { kind: "tab_create", tabId, title: (title as string) ?? need("title") };
  if (action === "tab_delete") return { kind: "tab_delete", tabId };
  return {
    ...{ kind: "tab_update", tabId },
    ...(title === undefined ? {} : { title: title as string }),
    ...(position === undefined ? {} : { position: position as number }),
  } as Op;
}
