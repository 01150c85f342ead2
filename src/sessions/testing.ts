import { CONFIG_DEFAULTS, type GatewayConfig } from "../../generated/config.ts";
import { AgentCatalogue } from "../agents/catalogue.ts";
import { Models } from "../models/models.ts";
import { type BusEvent, EventBus } from "../platform/bus.ts";
import { ManualClock } from "../platform/clock.ts";
import { silentLogger } from "../platform/logger.ts";
import { Store } from "../store/store.ts";
import { Sessions } from "./sessions.ts";

/** A configuration with the model `mock/mock-1`, which does not reason, and `mock/think-1`, which does. */
export const MOCK_CONFIG = {
  agents: { defaults: { model: { primary: "mock/mock-1" } } },
  models: {
    discovery: { enabled: false },
    providers: {
      mock: {
        baseUrl: "http://127.0.0.1:9/v1",
        apiKey: "x",
        api: "openai-completions",
        models: [
          { id: "mock-1", name: "Mock One", reasoning: false, input: ["text"], contextWindow: 128000, maxTokens: 4096 },
          { id: "think-1", name: "Think", reasoning: true, input: ["text"], contextWindow: 64000, maxTokens: 4096 },
        ],
      },
    },
  },
} as unknown as Partial<GatewayConfig>;

export interface TestSessions {
  sessions: Sessions;
  store: Store;
  clock: ManualClock;
  /** What was published, oldest first. */
  events: BusEvent[];
}

/** Sessions over a database of their own, in memory unless a path is given, with a clock that stands still. */
export function testSessions({
  path = ":memory:",
  config = {},
}: {
  path?: string;
  config?: object;
} = {}): TestSessions {
  const store = Store.open(path);
  const clock = new ManualClock();
  const bus = new EventBus((error) => {
    throw error;
  });
  const events: BusEvent[] = [];
  bus.subscribe((event) => events.push(event));
  const current = { ...CONFIG_DEFAULTS, ...MOCK_CONFIG, ...config } as GatewayConfig;
  const port = { current, path: "/nowhere/openclaw.json", stateDir: "/nowhere", hash: "x", onChange: () => () => {} };
  const models = new Models({ config: port, clock, log: silentLogger, env: {}, endpoints: [] });
  const agents = new AgentCatalogue({ config: port, models });
  return { sessions: new Sessions({ store, bus, clock, config: port, agents, models }), store, clock, events };
}

/** Somebody who may do everything, from a device. */
export const ADMIN = { scopes: new Set(["operator.admin"]), deviceId: "device-a" };

/** What a refused call says. @throws when it is not refused */
export async function refusal(work: () => Promise<unknown>): Promise<{ message: string; details?: unknown }> {
  try {
    await work();
  } catch (error) {
    const { message, details } = error as { message: string; details?: unknown };
    return details === undefined ? { message } : { message, details };
  }
  throw new Error("it was not refused");
}
