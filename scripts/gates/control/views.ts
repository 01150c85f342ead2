/** A view of the page, and what it must have got from the gateway to be drawn. */
export interface View {
  path: string;
  /** Methods that it calls by itself, beyond those of every page. */
  methods: readonly string[];
  /** Stands in it. */
  shows: RegExp;
}

/** The everyday views of the page of 2026.9.6. */
export const VIEWS: readonly View[] = [
  { path: "/sessions", methods: ["sessions.list"], shows: /agent:main:main/ },
  { path: "/automations", methods: ["cron.list", "cron.status", "cron.runs"], shows: /Heartbeat/ },
  {
    path: "/settings/devices",
    methods: ["node.list", "device.pair.list", "exec.approvals.get"],
    shows: /Gate node/,
  },
  { path: "/settings/channels", methods: ["channels.status", "plugins.list"], shows: /Telegram/ },
  { path: "/settings/connection", methods: ["last-heartbeat", "system.info"], shows: /2026\.9\.6/ },
  { path: "/settings/communications", methods: ["config.schema"], shows: /Messages/ },
  { path: "/settings/advanced", methods: ["config.schema"], shows: /Advanced/ },
  { path: "/settings/security", methods: ["config.schema"], shows: /Security/ },
  { path: "/settings/automation", methods: ["config.schema"], shows: /Custom slash commands|Commands/ },
  { path: "/settings/mcp", methods: ["config.get"], shows: /MCP/ },
  { path: "/settings/infrastructure", methods: ["config.schema"], shows: /Gateway/ },
  { path: "/settings/agents", methods: ["agents.list"], shows: /main/ },
  { path: "/settings/agents/main/files", methods: ["agents.files.list"], shows: /AGENTS\.md/ },
  { path: "/settings/agents/main/tools", methods: ["tools.catalog"], shows: /tool/i },
  { path: "/settings/appearance", methods: ["themes.list"], shows: /Theme/ },
  { path: "/settings/model-providers", methods: ["usage.status"], shows: /mock/ },
  { path: "/settings/memory", methods: ["doctor.memory.status", "plugins.list"], shows: /Memory/ },
  { path: "/settings/profile", methods: ["tools.github.status"], shows: /Profile/ },
  { path: "/settings/approvals", methods: ["approval.history", "exec.approval.grants.list"], shows: /Approvals/ },
  { path: "/settings/secrets", methods: ["secrets.store.list"], shows: /Secrets/ },
  { path: "/settings/plugins", methods: ["plugins.list"], shows: /Anthropic/ },
  { path: "/skills", methods: ["skills.status", "skills.library.list"], shows: /Skills/ },
  { path: "/skills/workshop", methods: ["skills.proposals.list"], shows: /Workshop|proposal/i },
  { path: "/plugins", methods: ["plugins.list", "plugins.catalog.browse"], shows: /Anthropic/ },
  { path: "/logs", methods: ["logs.tail"], shows: /the gateway is ready/ },
  { path: "/debug", methods: ["diagnostics.lanes", "status", "health"], shows: /Debug|Snapshots/ },
  { path: "/usage", methods: ["sessions.usage", "usage.status"], shows: /Usage/ },
  { path: "/tasks", methods: ["tasks.list"], shows: /Tasks/ },
  { path: "/activity", methods: ["sessions.list"], shows: /Activity/ },
  { path: "/dashboards", methods: ["sessions.list"], shows: /Dashboards/ },
  { path: "/worktrees", methods: ["worktrees.list"], shows: /Worktrees/ },
  { path: "/portals", methods: [], shows: /Portals/ },
  { path: "/agents", methods: ["agents.list"], shows: /Assistant/ },
  { path: "/systems", methods: ["environments.list", "system.info"], shows: /Gate node/ },
  { path: "/settings/search", methods: ["webSearch.status"], shows: /Search/ },
  { path: "/settings/cloud-workers", methods: ["environments.list"], shows: /Cloud workers/ },
  { path: "/settings/talk", methods: ["config.schema"], shows: /Talk/ },
  { path: "/settings/ai-agents", methods: ["config.schema"], shows: /Agent Defaults/ },
  { path: "/settings/plugins/openai", methods: ["plugins.inspect"], shows: /OpenAI/ },
  { path: "/plugins/local_b3BlbmFp", methods: ["plugins.catalog.get"], shows: /OpenAI/ },
  { path: "/new", methods: ["system.info"], shows: /\S/ },
];
