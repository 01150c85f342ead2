import type { SessionsPatchParams } from "../../generated/types.ts";
import type { ConfigPort } from "../config/types.ts";
import type { DefenderPort } from "../defender/types.ts";
import type { Models } from "../models/models.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import { PRODUCT } from "../protocol/version.ts";
import { patchSession } from "../sessions/patch.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Store } from "../store/store.ts";
import type { ToolHostPort } from "../tools/types.ts";
import type { Budgets } from "../usage/budgets.ts";
import { AgentCalls } from "./agent-calls.ts";
import type { AgentCatalogue } from "./catalogue.ts";
import { Chat } from "./chat.ts";
import { Commands } from "./commands/commands.ts";
import { Compactor } from "./compaction/compactor.ts";
import { TurnContexts } from "./context/turn-context.ts";
import { GoalRuns } from "./goal-runs.ts";
import { Replies } from "./replies.ts";
import { RunRecords } from "./runs/run-records.ts";
import { Runs } from "./runs/runs.ts";
import type { Sender } from "./sender.ts";
import { SessionCalls } from "./session-calls.ts";
import { SystemEvents } from "./system-events.ts";
import { TaskRepository } from "./tasks/task-repository.ts";
import { Tasks } from "./tasks/tasks.ts";
import { UtilityModel } from "./utility/utility-model.ts";

export interface TurnsOptions {
  sessions: Sessions;
  models: Models;
  budgets: Budgets;
  agents: AgentCatalogue;
  defender: DefenderPort;
  tools: ToolHostPort;
  config: ConfigPort;
  store: Store;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
}

/** The room of runs and turns, as handlers use it. */
export interface TurnServices {
  readonly runs: Runs;
  readonly chat: Chat;
  readonly commands: Commands;
  readonly goalRuns: GoalRuns;
  readonly replies: Replies;
  readonly tasks: Tasks;
  readonly agentCalls: AgentCalls;
  readonly sessionCalls: SessionCalls;
  readonly compactor: Compactor;
  readonly systemEvents: SystemEvents;
  readonly utility: UtilityModel;
}

/** Builds the room and tells sessions of the runs. */
export function createTurns(options: TurnsOptions): TurnServices {
  const { sessions, models, budgets, agents, defender, tools, config, store, bus, clock, metrics } = options;
  const log = options.log.child("agents");
  const contexts = new TurnContexts({ sessions, agents, config, clock });
  const records = new RunRecords(store, (runId) => {
    tasks.tell(runId).catch((error) => log.warn("a task could not be told of", { runId, error }));
  });
  const systemEvents = new SystemEvents(store, clock);
  const parts = { sessions, models, budgets, agents, contexts, records, systemEvents, defender, tools };
  const runs = new Runs({ ...parts, config, bus, clock, log });
  runs.defineMetrics(metrics);
  sessions.useRuns(runs);
  const compactor = new Compactor({ sessions, models, budgets, agents, runs, defender, config, bus, clock, log });
  runs.useCompaction((...args) => compactor.duringRun(...args));
  const commands = new Commands();
  const deps = {
    commands,
    compactor,
    contexts,
    settings: {
      read: async (key: string) => (await sessions.repository.find(key))?.entry ?? {},
      patch: (params: SessionsPatchParams) => patchSession(sessions, params),
    },
    sessions,
    models,
    agents,
    runs,
    config,
    clock,
    defender,
    product: PRODUCT,
    startedAt: clock.now(),
  };
  const replies = new Replies({ store, sessions, runs, log });
  const goalRuns = new GoalRuns({ sessions, runs, defender, clock });
  const chat = new Chat({ ...deps, goalRuns, replies, bus, log });
  const abort = (run: { sessionKey: string; runId: string }, sender: Sender) => chat.abort(run, sender);
  const tasks = new Tasks({ repository: new TaskRepository(store), sessions, bus, abort });
  return {
    runs,
    chat,
    commands,
    goalRuns,
    replies,
    tasks,
    compactor,
    agentCalls: new AgentCalls({ ...deps, replies }),
    sessionCalls: new SessionCalls({ ...deps, chat }),
    systemEvents,
    utility: new UtilityModel({ models, agents, defender, config, log }),
  };
}
