import { MODEL_ID } from "./model-server.ts";

/** The shared secret of gateways that recordings are replayed against. */
export const RECORDING_TOKEN = "recording-token-0123456789";

/**
 * The configuration that was in force when upstream's answers were recorded: loopback, a shared token, no channels,
 * one provider, heartbeats once a day so that none comes in between.
 */
export function recordingConfig(
  modelBaseUrl: string,
  { token = RECORDING_TOKEN, port = 18_789 }: { token?: string; port?: number } = {},
): Record<string, unknown> {
  const free = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
  const model = {
    id: MODEL_ID,
    name: "Mock One",
    reasoning: false,
    input: ["text"],
    cost: free,
    contextWindow: 128_000,
    maxTokens: 4096,
  };
  return {
    gateway: {
      mode: "local",
      port,
      bind: "loopback",
      auth: { mode: "token", token },
    },
    agents: { defaults: { model: { primary: `mock/${MODEL_ID}` }, heartbeat: { every: "24h" } } },
    models: {
      mode: "merge",
      providers: { mock: { baseUrl: modelBaseUrl, apiKey: "x", api: "openai-completions", models: [model] } },
    },
  };
}
