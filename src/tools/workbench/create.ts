import type { Questions } from "../../approvals/questions.ts";
import type { Boards } from "../../boards/boards.ts";
import type { ProgressCards } from "../../sessions/progress-cards.ts";
import type { Suggestions } from "../../suggestions/suggestions.ts";
import type { Themes } from "../../ui/themes.ts";
import type { Tool } from "../types.ts";
import { askUserTool } from "./ask-user.ts";
import { dashboardTool } from "./dashboard.ts";
import { progressCardTool } from "./progress-card.ts";
import { suggestionTools } from "./suggestions.ts";
import { themeTool } from "./theme.ts";

export interface WorkbenchToolsDeps {
  boards: Boards;
  progressCards: ProgressCards;
  suggestions: Suggestions;
  questions: Questions;
  themes: Themes;
}

/** The tools that change what people see beside a conversation, and ask them. */
export function workbenchTools(deps: WorkbenchToolsDeps): Tool[] {
  return [
    progressCardTool(deps.progressCards),
    dashboardTool(deps.boards),
    themeTool(deps.themes),
    askUserTool(deps.questions),
    ...suggestionTools(deps.suggestions),
  ];
}
