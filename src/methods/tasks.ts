import type { TasksHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import { senderOf } from "./sender.ts";

export const tasks: TasksHandlers<CallContext> = {
  "tasks.list": (params, { tasks }) => tasks.list(params),
  "tasks.get": ({ taskId }, { tasks }) => tasks.get(taskId),
  "tasks.history": (params, { tasks }) => tasks.history(params),
  "tasks.retry": (params, { tasks }) => tasks.recover(params, "retry"),
  "tasks.dismiss": (params, { tasks }) => tasks.recover(params, "dismiss"),
  "tasks.cancel": (params, { tasks, caller }) => tasks.cancel(params, senderOf(caller)),
};
