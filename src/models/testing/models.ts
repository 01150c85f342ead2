import { systemClock } from "../../platform/clock.ts";
import { silentLogger } from "../../platform/logger.ts";
import { Models } from "../models.ts";
import type { ModelEvent, ModelRequest } from "../types.ts";

/** Models of a configuration, without anything else of a gateway. */
export function modelsOf(config: object, env: Record<string, string> = {}): Models {
  const port = { current: config, env } as unknown as ConstructorParameters<typeof Models>[0]["config"];
  return new Models({ config: port, clock: systemClock, log: silentLogger, env, endpoints: [] });
}

/** A row of `models.providers.*.models` that can do everything. */
export const ableModel = (id: string, over: object = {}) => ({
  id,
  name: id,
  reasoning: true,
  input: ["text", "image"],
  contextWindow: 100_000,
  maxTokens: 4096,
  cost: { input: 1, output: 10, cacheRead: 0.5, cacheWrite: 2 },
  ...over,
});

/** Everything that a call gave, and how it ended. */
export interface Outcome {
  events: ModelEvent[];
  text: string;
  thinking: string;
  calls: Extract<ModelEvent, { type: "toolCall" }>[];
  finish: Extract<ModelEvent, { type: "finish" }> | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into what was thrown
  error: any;
}

/** Asks a model once and gathers what it says. */
export async function askModel(models: Models, ref: string, over: Partial<ModelRequest> = {}): Promise<Outcome> {
  const model = (await models.resolve(ref))!;
  const events: ModelEvent[] = [];
  let error: unknown;
  try {
    const signal = new AbortController().signal;
    const messages = [{ role: "user" as const, content: "hello" }];
    for await (const event of models.stream({ model, system: "Be brief.", messages, signal, ...over }))
      events.push(event);
  } catch (thrown) {
    error = thrown;
  }
  const joined = (type: "text" | "thinking") =>
    events.map((event) => (event.type === type ? event.delta : "")).join("");
  return {
    events,
    text: joined("text"),
    thinking: joined("thinking"),
    calls: events.filter((event) => event.type === "toolCall"),
    finish: events.find((event) => event.type === "finish"),
    error,
  };
}
