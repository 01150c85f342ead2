import type { WorkbenchHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import type { Guard } from "../gateway/dispatch.ts";
import { hasScope } from "../platform/scopes.ts";
import { branchesOf } from "../projects/branches.ts";
import { demandKey, demandTarget } from "./session-target.ts";

/** What people keep beside their conversations. */
export const workbench: WorkbenchHandlers<CallContext> = {
  "progressCard.get": ({ sessionKey }, { progressCards }) => progressCards.get(sessionKey),
  "progressCard.put": (params, { progressCards }) => progressCards.put(params),
  "artifacts.list": (params, { artifacts }) => artifacts.list(params),
  "artifacts.get": (params, { artifacts }) => artifacts.get(params),
  "artifacts.download": (params, { artifacts }) => artifacts.download(params),
  "board.get": (params, { boards }) => boards.get(params),
  "board.update": (params, { boards }) => boards.update(params),
  "taskSuggestions.list": (params, { suggestions }) => suggestions.list(params),
  "taskSuggestions.create": (params, { suggestions }) => suggestions.create(params),
  "taskSuggestions.dismiss": ({ taskId }, { suggestions }) => suggestions.dismiss(taskId),
  "projects.list": (params, { projects, caller }) => projects.list(params, hasScope(caller, "operator.write")),
  "projects.register": (params, { projects }) => projects.register(params),
  "projects.remove": (params, { projects }) => projects.remove(params),
  "worktrees.branches": (params) => branchesOf(params),
  "worktrees.list": (_params, { worktrees }) => worktrees.list(),
  "worktrees.create": (params, { worktrees, caller }) => worktrees.create(params, caller),
  "worktrees.remove": (params, { worktrees }) => worktrees.remove(params),
  "worktrees.restore": (params, { worktrees }) => worktrees.restore(params),
  "worktrees.gc": (_params, { worktrees }) => worktrees.gc(),
  "themes.list": (_params, { themes }) => themes.list(),
  "themes.get": (params, { themes }) => themes.get(params),
  "themes.set": (params, { themes }) => themes.set(params),
  // Nothing listens to meetings here, and no transcripts are kept.
  "transcripts.status": () => ({
    enabled: false,
    providers: [],
    configuredSources: [],
    active: [],
    latestTranscript: null,
    omitted: { providers: 0, configuredSources: 0, active: 0 },
  }),
};

/** Checks that come before the schema. */
export const workbenchGuards: Readonly<Record<string, Guard>> = {
  "progressCard.get": (params, caller) => demandTarget("progressCard.get", params, caller),
  "progressCard.put": (params) => demandKey("progressCard.put", params),
};
