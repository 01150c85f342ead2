import type { Handlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import type { Guard } from "../gateway/dispatch.ts";
import { agent, agentGuards } from "./agent.ts";
import { agents } from "./agents.ts";
import { approval } from "./approval.ts";
import { attach } from "./attach.ts";
import { audit } from "./audit.ts";
import { browser } from "./browser.ts";
import { channelGuards, channels } from "./channels.ts";
import { chat, chatGuards } from "./chat.ts";
import { config } from "./config.ts";
import { conversations } from "./conversations.ts";
import { cron, cronGuards } from "./cron.ts";
import { defender } from "./defender.ts";
import { devices } from "./devices.ts";
import { exec } from "./exec.ts";
import { gateway } from "./gateway.ts";
import { hooks } from "./hooks.ts";
import { host } from "./host.ts";
import { logs } from "./logs.ts";
import { mcp } from "./mcp.ts";
import { memory } from "./memory.ts";
import { models } from "./models.ts";
import { nodeGuards, nodes } from "./nodes.ts";
import { openclaw } from "./openclaw.ts";
import { plugin } from "./plugin.ts";
import { pluginGuards, plugins } from "./plugins.ts";
import { question } from "./question.ts";
import { secrets } from "./secrets.ts";
import { sessionGuards, sessions } from "./sessions.ts";
import { skillGuards, skills } from "./skills.ts";
import { system } from "./system.ts";
import { tasks } from "./tasks.ts";
import { tools } from "./tools.ts";
import { usage } from "./usage.ts";
import { users } from "./users.ts";
import { voice } from "./voice.ts";
import { wizard } from "./wizard.ts";
import { workbench, workbenchGuards } from "./workbench.ts";

/** The handler of every implemented method. One that the spec has and this lacks does not compile. */
export const handlers: Handlers<CallContext> = {
  ...agent,
  ...agents,
  ...browser,
  ...conversations,
  ...config,
  ...cron,
  ...logs,
  ...defender,
  ...devices,
  ...chat,
  ...approval,
  ...exec,
  ...openclaw,
  ...plugin,
  ...plugins,
  ...question,
  ...mcp,
  ...memory,
  ...models,
  ...nodes,
  ...secrets,
  ...sessions,
  ...system,
  ...attach,
  ...audit,
  ...channels,
  ...host,
  ...gateway,
  ...hooks,
  ...skills,
  ...tasks,
  ...tools,
  ...usage,
  ...users,
  ...wizard,
  ...voice,
  ...workbench,
};

/** Checks of single methods that upstream makes before it looks at the schema. */
export const guards: Readonly<Record<string, Guard>> = {
  ...agentGuards,
  ...channelGuards,
  ...chatGuards,
  ...cronGuards,
  ...skillGuards,
  ...nodeGuards,
  ...pluginGuards,
  ...sessionGuards,
  ...workbenchGuards,
};
