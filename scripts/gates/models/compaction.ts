import type { Payload } from "../../../src/gateway/testing.ts";
import { type ModelCall, startModelServer } from "../../../src/parity/model-server.ts";
import type { GateContext } from "../../gate/run.ts";
import { must, TurnGateway, textOf } from "../turns/turn-gateway.ts";

const TURNS = 200;
const WINDOW = 12_000;
const ANSWER = 1000;
const FILLER = "some words to fill the context with ".repeat(12);
const SUMMARY_REQUEST = "Write the summary now.";

const sentTo = ({ body }: ModelCall): Payload[] => body.messages as Payload[];
const isSummary = (call: ModelCall): boolean => textOf(sentTo(call).at(-1)).endsWith(SUMMARY_REQUEST);
/** Numbers of the turns that a request tells of as they were said. */
const turnsIn = (call: ModelCall): number[] =>
  sentTo(call)
    .filter(({ role }) => role === "user")
    .flatMap((message) => /(?:^|\] )turn (\d+) /.exec(textOf(message))?.slice(1).map(Number) ?? []);
const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);
const before = (text: string): string => text.split(" some", 1)[0]!;

/** A conversation several times as long as its model's window: what the model is given, and what is kept. */
export async function compaction(context: GateContext, binary: string): Promise<void> {
  const model = startModelServer({ remember: 10 * TURNS });
  const row = { id: "mock-1", name: "m", input: ["text"], contextWindow: WINDOW, maxTokens: ANSWER };
  const provider = { baseUrl: model.baseUrl, apiKey: "x", api: "openai-completions", models: [row] };
  const sessionKey = "agent:main:long";
  try {
    await using gateway = await TurnGateway.start(binary, {
      agents: { defaults: { model: { primary: "mock/mock-1" }, skipBootstrap: true } },
      models: { discovery: { enabled: false }, providers: { mock: provider } },
    });
    await context.step(`a conversation of ${TURNS} turns`, async () => {
      for (const turn of upTo(TURNS)) {
        const { end } = await gateway.say(sessionKey, `turn ${turn} ${FILLER}`);
        must(end.state === "final", end);
        gateway.forget();
      }
    });
    const answers = model.calls.filter((call) => !isSummary(call));
    const summaries = model.calls.filter(isSummary);
    await context.check("was summed up as it grew, and never outgrew the model's window", () => {
      // This model repeats what it is asked, so that its summaries are as long as they may be and soon need another one.
      context.metric("summaries", summaries.length, "requests");
      must(summaries.length >= 3, `${summaries.length} requests for a summary`);
      for (const call of model.calls) {
        // Four characters are a token, as the gateway counts where no provider has counted.
        const tokens = sentTo(call).reduce((sum, message) => sum + textOf(message).length, 0) / 4;
        must(tokens < WINDOW - ANSWER, `${tokens} tokens in a request`);
      }
    });
    await context.check("the model is given its end without a gap, and of the rest a summary", () => {
      must(answers.length === TURNS, `${answers.length} answers`);
      for (const [at, call] of answers.entries()) {
        const turns = turnsIn(call);
        must(turns.at(-1) === at + 1 && turns.every((turn, index) => turn === at + 2 - turns.length + index), turns);
      }
      const summed = summaries.flatMap((call) => [...textOf(sentTo(call).at(-1)).matchAll(/turn (\d+) some/g)]);
      const named = new Set(summed.map(([, turn]) => Number(turn)));
      const lost = upTo(turnsIn(answers.at(-1)!)[0]! - 1).filter((turn) => !named.has(turn));
      must(lost.length === 0, lost);
    });
    const kept = async (): Promise<void> => {
      const said = (await gateway.history(sessionKey)).map((message) => `${message.role} ${before(textOf(message))}`);
      const expected = upTo(TURNS).flatMap((turn) => [`user turn ${turn}`, `assistant echo: turn ${turn}`]);
      must(Bun.deepEquals(said, expected), said);
    };
    await context.check("no message is lost or out of order", kept);
    await context.step("restart", () => gateway.restart());
    await context.check("nor after a restart", kept);
  } finally {
    await model.close();
  }
}
