import { ableModel } from "../../../src/models/testing/models.ts";
import { type Act, startWireServer } from "../../../src/models/testing/wire-server.ts";
import type { Api } from "../../../src/models/testing/wires.ts";
import type { GateContext } from "../../gate/run.ts";
import { must, TurnGateway, textOf } from "../turns/turn-gateway.ts";

const GOOD: Act = { do: "say", said: { text: "Good day." } };
const ORDER: readonly [name: string, api: Api][] = [
  ["first", "openai-completions"],
  ["second", "anthropic-messages"],
  ["third", "google-generative-ai"],
];

interface Case {
  name: string;
  /** What the first and the second provider do; the third answers. */
  acts: [Act, Act];
  reasons: [string, string];
}

const CASES: Case[] = [
  {
    name: "keys that are refused or not paid for",
    acts: [
      { do: "refuse", status: 401, message: "no" },
      { do: "refuse", status: 402, message: "no" },
    ],
    reasons: ["auth", "billing"],
  },
  {
    name: "a stream that breaks off before its first word, and one that stalls",
    acts: [
      { do: "break", said: {} },
      { do: "stall", said: {} },
    ],
    reasons: ["unavailable", "timeout"],
  },
  {
    name: "too many requests, and a server in trouble",
    acts: [
      { do: "refuse", status: 429, message: "no" },
      { do: "refuse", status: 503, message: "no" },
    ],
    reasons: ["rate_limit", "server_error"],
  },
];

/** Two providers fail, the third answers; what was tried stands in the run's events and in the session. */
export async function failover({ check }: GateContext, binary: string): Promise<void> {
  for (const { name, acts, reasons } of CASES) {
    await check(`failover over three providers: ${name}`, async () => {
      const answers = [...acts, GOOD];
      const server = startWireServer(({ api }) => answers[ORDER.findIndex(([, each]) => each === api)]!);
      const providers = ORDER.map(([id, api]) => [
        id,
        { baseUrl: server.baseUrl(api), api, apiKey: `key-${id}`, timeoutSeconds: 1, models: [ableModel(`m-${id}`)] },
      ]);
      const [primary, ...fallbacks] = ORDER.map(([id]) => `${id}/m-${id}`);
      try {
        await using gateway = await TurnGateway.start(binary, {
          agents: { defaults: { model: { primary, fallbacks }, skipBootstrap: true } },
          models: { discovery: { enabled: false }, providers: Object.fromEntries(providers) },
        });
        await follow(gateway, reasons);
      } finally {
        await server.close();
      }
    });
  }
}

async function follow(gateway: TurnGateway, reasons: [string, string]): Promise<void> {
  const sessionKey = "agent:main:failover";
  const { runId, end } = await gateway.say(sessionKey, "hello");
  must(end.state === "final" && textOf(end.message) === "Good day.", end);
  const steps = gateway
    .of(runId, "agent")
    .filter(({ data }) => data?.phase === "fallback_step" && data.fallbackStepToModel)
    .map(({ data }) => [data.fallbackStepFromModel, data.fallbackStepToModel, data.fallbackStepFromFailureReason]);
  const expected = [
    ["first/m-first", "second/m-second", reasons[0]],
    ["second/m-second", "third/m-third", reasons[1]],
  ];
  must(Bun.deepEquals(steps, expected), steps);
  const traced = async () => {
    const { modelAttempts = [] } = await gateway.describe(sessionKey);
    const told = modelAttempts.map(({ provider, reason }: Record<string, string>) => `${provider} ${reason}`);
    // One provider may have been asked several times before it was given up.
    return told.filter((each: string, at: number) => each !== told[at - 1]);
  };
  const trace = [`first ${reasons[0]}`, `second ${reasons[1]}`];
  must(Bun.deepEquals(await traced(), trace), await traced());
  const said = (await gateway.history(sessionKey)).map((message) => `${message.role}: ${textOf(message)}`);
  must(said.length === 2 && said[1] === "assistant: Good day.", said);
  await gateway.restart();
  must(Bun.deepEquals(await traced(), trace), "the trace is another one after a restart");
}
