import type { BoardTab, BoardUpdateParams } from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";

/** A tab of a board; its position is its place in the list. */
export type Tab = Omit<BoardTab, "position">;

/** What the tabs are after the changes, in order. @throws GatewayError for one that cannot be made */
export function applyOps(before: readonly Tab[], ops: BoardUpdateParams["ops"]): Tab[] {
  return ops.reduce<Tab[]>(applyOp, [...before]);
}

function applyOp(tabs: Tab[], op: BoardUpdateParams["ops"][number]): Tab[] {
  switch (op.kind) {
    case "tab_create":
      if (tabs.some(({ tabId }) => tabId === op.tabId)) throw invalidRequest(`board tab already exists: ${op.tabId}`);
      return [...tabs, { tabId: op.tabId, title: op.title, chatDock: op.chatDock ?? "right" }];
    case "tab_update": {
      const { title, chatDock, position } = op;
      const tab = tabOf(tabs, op.tabId);
      if (title === undefined && chatDock === undefined && position === undefined) {
        throw invalidRequest("tab_update has no changes");
      }
      const changed = { ...tab, ...(title !== undefined && { title }), ...(chatDock !== undefined && { chatDock }) };
      const others = tabs.filter((each) => each !== tab);
      return others.toSpliced(position ?? tabs.indexOf(tab), 0, changed);
    }
    case "tab_delete": {
      const tab = tabOf(tabs, op.tabId);
      return tabs.filter((each) => each !== tab);
    }
    case "tabs_reorder": {
      const isWhole = op.tabIds.length === tabs.length && new Set(op.tabIds).size === tabs.length;
      if (!isWhole || !tabs.every(({ tabId }) => op.tabIds.includes(tabId))) {
        throw invalidRequest("tabs_reorder must contain every tab exactly once");
      }
      return op.tabIds.map((id) => tabOf(tabs, id));
    }
    default:
      throw invalidRequest(`board widget not found: ${op.name}`);
  }
}

function tabOf(tabs: readonly Tab[], id: string): Tab {
  const tab = tabs.find(({ tabId }) => tabId === id);
  if (!tab) throw invalidRequest(`board tab not found: ${id}`);
  return tab;
}
