import { LIMITS } from "../../generated/limits.ts";
import { AgentCatalogue } from "../agents/catalogue.ts";
import { roomCommands } from "../agents/commands/room-commands.ts";
import { skillCommandByName, skillCommands } from "../agents/commands/skills.ts";
import { createTurns, type TurnServices } from "../agents/create.ts";
import { AgentManager } from "../agents/manage/manager.ts";
import { ChatMetadataWatch } from "../agents/metadata-watch.ts";
import { SubagentRepository } from "../agents/subagents/subagent-repository.ts";
import { Subagents } from "../agents/subagents/subagents.ts";
import { WorkspaceBrowser } from "../agents/workspace/browse.ts";
import { AgentFiles } from "../agents/workspace/files.ts";
import { type ApprovalServices, createApprovals } from "../approvals/create.ts";
import { Audit } from "../audit/audit.ts";
import { AuditRepository } from "../audit/audit-repository.ts";
import { Boards } from "../boards/boards.ts";
import { Channels } from "../channels/channels.ts";
import { configuredChannels } from "../channels/configured.ts";
import { Conversations } from "../channels/conversations.ts";
import { Inbound } from "../channels/inbound.ts";
import { Inbox } from "../channels/ingress/inbox.ts";
import { ChannelIngress } from "../channels/ingress/ingress.ts";
import { Deliveries } from "../channels/outbound/deliveries.ts";
import { Outbound } from "../channels/outbound/outbound.ts";
import { Outbox } from "../channels/outbound/outbox.ts";
import type { Config } from "../config/config.ts";
import { knownSecrets } from "../config/configured-secrets.ts";
import { ConfigWriter } from "../config/writer.ts";
import { type CronServices, createCron } from "../cron/create.ts";
import { createDefender, type DefenderServices } from "../defender/create.ts";
import { createDevices, type DeviceServices } from "../devices/create.ts";
import { createHooks } from "../hooks/create.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { InternalHooks } from "../hooks/internal.ts";
import { createLogTail } from "../logs/create.ts";
import type { LogTail } from "../logs/tail.ts";
import { MemoryCalls } from "../memory/calls.ts";
import { DreamDiaries } from "../memory/diary.ts";
import { Memory } from "../memory/memory.ts";
import { Accounts } from "../models/auth/accounts.ts";
import { AuthRepository } from "../models/auth/auth-repository.ts";
import { Models } from "../models/models.ts";
import { createNodes, type NodeServices } from "../nodes/create.ts";
import { NodeRepository } from "../nodes/node-repository.ts";
import { EventBus } from "../platform/bus.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { defineProcessMetrics, Metrics } from "../platform/metrics.ts";
import { PluginDiscoveries } from "../plugins/discovery.ts";
import { Plugins } from "../plugins/plugins.ts";
import { Projects } from "../projects/projects.ts";
import { WorktreeRepository } from "../projects/worktree-repository.ts";
import { Worktrees } from "../projects/worktrees.ts";
import { COMPATIBLE_VERSION, PRODUCT } from "../protocol/version.ts";
import { SecretRepository } from "../secrets/repository.ts";
import { Secrets } from "../secrets/secrets.ts";
import { Artifacts } from "../sessions/artifacts.ts";
import { deleteSessionsOf } from "../sessions/lifecycle.ts";
import { ProgressCards } from "../sessions/progress-cards.ts";
import { Sessions } from "../sessions/sessions.ts";
import { SetupAssistant, type SetupFacts } from "../setup/assistant.ts";
import { SetupWizard } from "../setup/wizard.ts";
import { createSkills, type SkillServices } from "../skills/create.ts";
import type { SkillsDeps } from "../skills/skills.ts";
import { Settings } from "../store/settings.ts";
import type { Store } from "../store/store.ts";
import { Suggestions } from "../suggestions/suggestions.ts";
import { createOperations, type OperationServices } from "../system/create.ts";
import { HeartbeatResponses } from "../system/heartbeat-responses.ts";
import { Heartbeats } from "../system/heartbeats.ts";
import { Host } from "../system/host.ts";
import { createVitals, type VitalServices } from "../system/vitals.ts";
import { registerTools } from "../tools/create.ts";
import { Processes } from "../tools/exec/processes.ts";
import { ToolHost } from "../tools/host.ts";
import { ToolInvoker } from "../tools/invoker.ts";
import { McpServers } from "../tools/mcp/servers.ts";
import { ToolRegistry } from "../tools/registry.ts";
import { toolReviews } from "../tools/reviews.ts";
import { Sandboxes } from "../tools/sandbox/sandboxes.ts";
import { Tools } from "../tools/tools.ts";
import { WebSearch } from "../tools/web/search/search.ts";
import { Themes } from "../ui/themes.ts";
import { Budgets } from "../usage/budgets.ts";
import { ProviderUsage } from "../usage/provider-usage.ts";
import { SpendingRepository } from "../usage/spending-repository.ts";
import { UsageReports } from "../usage/usage-reports.ts";
import { UsageRepository } from "../usage/usage-repository.ts";
import { createVoice, type VoiceServices } from "../voice/create.ts";

/** What the composition needs from outside: the files that are open, and the configuration in force. */
export interface ServiceOptions {
  store: Store;
  config: Config;
  log: Logger;
  /** The wall clock unless a test moves its own. */
  clock?: Clock;
}

/**
 * Every domain of one gateway, built once. Handlers take what they need from it:
 * `"sessions.list": (params, { sessions }) => sessions.list(params)`.
 */
export interface Services
  extends DefenderServices,
    DeviceServices,
    NodeServices,
    TurnServices,
    ApprovalServices,
    CronServices,
    OperationServices,
    SkillServices,
    VoiceServices,
    VitalServices {
  readonly store: Store;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly config: Config;
  readonly configWriter: ConfigWriter;
  readonly secrets: Secrets;
  readonly wizard: SetupWizard;
  readonly setupAssistant: SetupAssistant;
  readonly logs: LogTail;
  readonly settings: Settings;
  readonly agents: AgentCatalogue;
  readonly chatMetadata: ChatMetadataWatch;
  readonly agentManager: AgentManager;
  readonly agentFiles: AgentFiles;
  readonly workspaces: WorkspaceBrowser;
  readonly sessions: Sessions;
  readonly memory: Memory;
  readonly memoryCalls: MemoryCalls;
  readonly dreamDiaries: DreamDiaries;
  readonly models: Models;
  readonly accounts: Accounts;
  readonly budgets: Budgets;
  readonly usage: ProviderUsage;
  readonly usageReports: UsageReports;
  readonly audit: Audit;
  readonly channels: Channels;
  readonly ingress: ChannelIngress;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly conversations: Conversations;
  readonly plugins: Plugins;
  readonly pluginDiscoveries: PluginDiscoveries;
  readonly tools: Tools;
  readonly webSearch: WebSearch;
  readonly mcp: McpServers;
  readonly subagents: Subagents;
  readonly toolRegistry: ToolRegistry;
  readonly toolHost: ToolHost;
  readonly toolInvoker: ToolInvoker;
  readonly processes: Processes;
  readonly sandboxes: Sandboxes;
  readonly host: Host;
  readonly hooks: Hooks;
  readonly internalHooks: InternalHooks;
  readonly heartbeats: Heartbeats;
  readonly artifacts: Artifacts;
  readonly boards: Boards;
  readonly progressCards: ProgressCards;
  readonly suggestions: Suggestions;
  readonly projects: Projects;
  readonly worktrees: Worktrees;
  readonly themes: Themes;
}

/** Builds the domains in the order of their dependencies. Nothing here opens files or sockets. */
export function createServices(options: ServiceOptions): Services {
  const { store, config, log, clock = systemClock } = options;
  const bus = new EventBus((error) => log.error("an event listener threw", { error }));
  const metrics = new Metrics();
  defineProcessMetrics(metrics);
  const databasePath = store.db.filename;

  const logs = createLogTail(config, clock);
  const settings = new Settings(store, clock);
  const configWriter = new ConfigWriter({ config, settings, bus, clock, version: COMPATIBLE_VERSION });
  const edit: SkillsDeps["edit"] = (change) => configWriter.edit(change);
  const secretStore = new Secrets({ repository: new SecretRepository(store, LIMITS.storedSecrets), config, clock });
  const wizard = new SetupWizard({ config, configWriter, secrets: secretStore, clock });
  const models = new Models({ config, clock, log });
  const authBounds = { profiles: LIMITS.authProfiles, pins: LIMITS.authPins };
  const accounts = new Accounts({ repository: new AuthRepository(store, authBounds), config, clock, log });
  models.useAccounts(accounts);
  const agents = new AgentCatalogue({ config, models });
  const sessions = new Sessions({ store, bus, clock, config, agents, models });
  const usage = new ProviderUsage({ models, clock, log });
  const usageReports = new UsageReports({ repository: new UsageRepository(store), sessions, models, clock });
  const secrets = knownSecrets(config);
  const defenderServices = createDefender({ store, config, bus, clock, log, metrics, secrets });
  const { defender } = defenderServices;
  const toolRegistry = new ToolRegistry();
  const mcp = new McpServers({ config, defender, clock, log: log.child("mcp"), limits: LIMITS });
  mcp.follow(bus);
  const toolHost = new ToolHost({
    config,
    registry: toolRegistry,
    servers: mcp,
    defender,
    log: log.child("tools"),
    limits: LIMITS,
  });
  const setupAssistant = new SetupAssistant({
    models,
    defender,
    settings,
    clock,
    facts: () => setupFacts({ config, models, agents }),
  });
  const spending = new SpendingRepository(store, LIMITS.spendingRows);
  const budgets = new Budgets({ repository: spending, config, clock, bus, log });
  const turns = createTurns({
    budgets,
    sessions,
    models,
    agents,
    defender,
    tools: toolHost,
    config,
    store,
    bus,
    clock,
    log,
    metrics,
  });

  const approvalServices = createApprovals({ store, config, agents, bus, clock, log });
  toolHost.useReviews(
    toolReviews({ approvals: approvalServices.approvals, grants: approvalServices.toolGrants, limits: LIMITS }),
  );
  const nodeRepository = new NodeRepository(store);
  const deviceServices = createDevices({ store, config, bus, clock, log, surfaces: nodeRepository });

  const auditBounds = { maxRows: LIMITS.auditMaxRows, maxAgeMs: LIMITS.auditMaxAgeMs };
  const voice = createVoice({ config, settings, sessions, databasePath, bus, clock, log, secrets });
  const heartbeats = new Heartbeats({ settings, bus });
  const heartbeatResponses = new HeartbeatResponses();
  const { runs, systemEvents } = turns;
  const outbox = new Outbox(store, clock, LIMITS);
  const outbound = new Outbound({
    config,
    defender,
    outbox,
    deliveries: (port) => new Deliveries({ outbox, sessions, port, clock, log, limits: LIMITS }),
  });
  turns.replies.useOutbound(outbound);
  const cron = createCron({
    store,
    config,
    sessions,
    agents,
    runs,
    systemEvents,
    heartbeats,
    heartbeatResponses,
    defender,
    outbound,
    approvals: approvalServices.approvals,
    grants: approvalServices.approvalGrants,
    bus,
    clock,
    log,
    metrics,
  });

  const hookDeps = { store, config, agents, sessions, runs, systemEvents, defender, clock, log };
  const hooks = createHooks({ ...hookDeps, heartbeatTurns: cron.heartbeatTurns });

  const skillServices = createSkills({ store, config, agents, sessions, defender, clock, edit, secrets });
  const { skills } = skillServices;
  const countGivenUp = () => outbound.deliveries.givenUp;
  metrics.total("chela_messages_given_up_total", "Messages that no attempt could deliver.", countGivenUp);

  const plugins = new Plugins({
    config,
    bus,
    isAttached: (channel) => outbound.isAttached(channel),
    edit,
  });

  const nodeServices = createNodes({
    ...deviceServices,
    repository: nodeRepository,
    permissions: approvalServices.runPermissions,
    agents,
    conversations: {
      sessions,
      notes: systemEvents,
      agentCalls: turns.agentCalls,
      wake: (key) => cron.heartbeatTurns.wake(sessions.agentOf(key), key),
    },
    store,
    config,
    bus,
    clock,
    log,
  });

  const { folderRelay } = nodeServices;
  const { scheduler } = cron;
  const processes = new Processes({ clock, log: log.child("tools"), limits: LIMITS });
  processes.follow(bus);
  const operations = createOperations({
    sessions,
    store,
    settings,
    config,
    agents,
    runs,
    scheduler,
    processes,
    folderRelay,
    bus,
    clock,
    log,
  });

  const sandboxes = new Sandboxes({ config, agents, log: log.child("tools") });
  const subagents = new Subagents({
    repository: new SubagentRepository(store, LIMITS.subagentRecords),
    sessions,
    runs,
    defender,
    clock,
    log: log.child("agents"),
  });
  const conversations = new Conversations();
  const boards = new Boards({ store, agents, sessions, bus });
  const progressCards = new ProgressCards({ store, sessions, bus, clock });
  const suggestions = new Suggestions({ store, agents, bus, clock });
  const themes = new Themes(config);
  const memory = new Memory({
    store,
    config,
    agents,
    sessions,
    models,
    clock,
    log: log.child("memory"),
    limits: LIMITS,
  });
  const webSearch = new WebSearch({ config, defender, clock, limits: LIMITS });
  registerTools(toolRegistry, {
    memory,
    heartbeatResponses,
    boards,
    progressCards,
    suggestions,
    questions: approvalServices.questions,
    themes,
    speaker: voice.speaker,
    budgets,
    outbound,
    conversations,
    pairedNodes: nodeServices,
    webSearch,
    subagents,
    cron: cron.cron,
    config,
    agents,
    defender,
    clock,
    log,
    approvals: approvalServices.approvals,
    execPolicy: approvalServices.execPolicy,
    sandboxes,
    nodes: {
      sessions: nodeServices.nodeSessions,
      invokes: nodeServices.nodeInvokes,
      permissions: approvalServices.runPermissions,
    },
    processes,
    notes: systemEvents,
    wake: (agentId, sessionKey) => cron.heartbeatTurns.wake(agentId, sessionKey),
    models,
    sessions,
    runs,
    systemEvents,
    product: PRODUCT,
    startedAt: clock.now(),
  });

  const vitals = createVitals({
    settings,
    bus,
    clock,
    config,
    agents,
    sessions,
    models,
    runs: turns.runs,
    deliveries: outbox,
    databasePath,
  });
  const { eventLoop } = vitals;

  const tools = new Tools({ config, agents, sessions, registry: toolRegistry, host: toolHost, mcp });
  turns.commands.useSkills(skillCommands(skills));
  turns.commands.add([
    skillCommandByName(skills),
    ...roomCommands({
      tasks: turns.tasks,
      subagents,
      tools,
      approvalRecords: approvalServices.approvalRecords,
      speech: voice.speech,
      restarts: operations.restarts,
    }),
  ]);

  const projects = new Projects({ store, agents, clock });
  return {
    store,
    bus,
    clock,
    log,
    metrics,
    config,
    configWriter,
    secrets: secretStore,
    wizard,
    setupAssistant,
    logs,
    settings,
    agents,
    chatMetadata: new ChatMetadataWatch({ config, models, agents, bus, log }),
    agentManager: new AgentManager({
      config,
      settings,
      clock,
      agents,
      edit,
      forgetSessions: async (agentId) => {
        await deleteSessionsOf(sessions, agentId);
        await memory.repository.removeAgent(agentId);
      },
    }),
    agentFiles: new AgentFiles(agents),
    workspaces: new WorkspaceBrowser(agents),
    sessions,
    memory,
    memoryCalls: new MemoryCalls({ memory, agents, limits: LIMITS }),
    dreamDiaries: new DreamDiaries(agents),
    models,
    accounts,
    budgets,
    usage,
    usageReports,
    ...defenderServices,
    ...deviceServices,
    ...nodeServices,
    ...approvalServices,
    ...turns,
    audit: new Audit({ config, repository: new AuditRepository(store, auditBounds), bus, clock, log }),
    ingress: new ChannelIngress(config, new Inbox(store, clock, LIMITS), LIMITS.channelBatchEvents),
    inbound: new Inbound({ config, sessions }),
    outbound,
    conversations,
    channels: new Channels({ config, clock, eventLoop }),
    plugins,
    pluginDiscoveries: new PluginDiscoveries(plugins),
    ...skillServices,
    tools,
    webSearch,
    mcp,
    toolInvoker: new ToolInvoker({ config, agents, sessions, host: toolHost, log: log.child("tools") }),
    subagents,
    toolRegistry,
    toolHost,
    processes,
    sandboxes,
    host: new Host({ config, clock, eventLoop, agents, nodes: nodeServices.nodes, runs: turns.runs }),
    ...voice,
    ...cron,
    ...operations,
    hooks,
    internalHooks: new InternalHooks({ config, agents }),
    ...vitals,
    heartbeats,
    artifacts: new Artifacts({ store, agents, sessions }),
    boards,
    progressCards,
    suggestions,
    projects,
    worktrees: new Worktrees({ repository: new WorktreeRepository(store), projects, config, clock }),
    themes,
  };
}

function setupFacts({ config, models, agents }: Pick<Services, "config" | "models" | "agents">): SetupFacts {
  const model = models.defaultModel();
  return {
    version: COMPATIBLE_VERSION,
    model: model && `${model.provider}/${model.id}`,
    agents: agents.list().map(({ id }) => id),
    channels: configuredChannels(config.current).map(({ label }) => label),
  };
}
