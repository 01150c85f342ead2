import type { Migration } from "../migrate.ts";
import { sessions } from "./0001-sessions.ts";
import { devices } from "./0002-devices.ts";
import { runs } from "./0003-runs.ts";
import { settings } from "./0004-settings.ts";
import { decisions } from "./0005-decisions.ts";
import { nodes } from "./0006-nodes.ts";
import { sessionSearch } from "./0007-session-search.ts";
import { approvals } from "./0008-approvals.ts";
import { secrets } from "./0009-secrets.ts";
import { cron } from "./0010-cron.ts";
import { audit } from "./0011-audit.ts";
import { usage } from "./0012-usage.ts";
import { branches } from "./0013-branches.ts";
import { questions } from "./0014-questions.ts";
import { hooks } from "./0015-hooks.ts";
import { channelInbox } from "./0016-channel-inbox.ts";
import { sessionUpkeep } from "./0017-session-upkeep.ts";
import { outbox } from "./0018-outbox.ts";
import { skillUploads } from "./0019-skill-uploads.ts";
import { workbench } from "./0020-workbench.ts";
import { cronScratch } from "./0021-cron-scratch.ts";
import { users } from "./0022-users.ts";
import { nodeInvocations } from "./0023-node-invocations.ts";
import { namedNodes } from "./0024-named-nodes.ts";
import { attachGrants } from "./0025-attach-grants.ts";
import { outboxFailures } from "./0026-outbox-failures.ts";
import { people } from "./0027-people.ts";
import { authProfiles } from "./0028-auth-profiles.ts";
import { goalReceipts } from "./0029-goal-receipts.ts";
import { subagents } from "./0030-subagents.ts";
import { runPrompts } from "./0031-run-prompts.ts";
import { spending } from "./0032-spending.ts";
import { worktrees } from "./0033-worktrees.ts";
import { decisionLog } from "./0034-decision-log.ts";
import { memory } from "./0035-memory.ts";
import { replyRoutes } from "./0036-reply-routes.ts";
import { subagentCollectors } from "./0037-subagent-collectors.ts";
import { sidecarApprovals } from "./0038-sidecar-approvals.ts";
import { reputations } from "./0039-reputations.ts";
import { hostBaseline } from "./0040-host-baseline.ts";
import { toolGrants } from "./0041-tool-grants.ts";

export const MIGRATIONS: readonly Migration[] = [
  sessions,
  devices,
  runs,
  settings,
  decisions,
  nodes,
  sessionSearch,
  approvals,
  secrets,
  cron,
  audit,
  usage,
  branches,
  questions,
  hooks,
  channelInbox,
  sessionUpkeep,
  outbox,
  skillUploads,
  workbench,
  cronScratch,
  users,
  nodeInvocations,
  namedNodes,
  attachGrants,
  outboxFailures,
  people,
  authProfiles,
  goalReceipts,
  subagents,
  runPrompts,
  spending,
  worktrees,
  decisionLog,
  memory,
  replyRoutes,
  subagentCollectors,
  sidecarApprovals,
  reputations,
  hostBaseline,
  toolGrants,
];
