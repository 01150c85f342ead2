import { ableModel } from "../../../src/models/testing/models.ts";
import { startWireServer } from "../../../src/models/testing/wire-server.ts";
import type { GateContext } from "../../gate/run.ts";
import { eventually, must, TurnGateway, textOf } from "../turns/turn-gateway.ts";

const SESSIONS = 20;
const TURNS = 3;
const CAP = 5;
/** Milliseconds that the model thinks before each answer. */
const THINKING_MS = 60;

/** What the person said last, without the time that gateways put in front. */
function asked(body: Record<string, unknown>): string {
  const text = JSON.stringify((body.messages as { role: string }[]).findLast(({ role }) => role === "user"));
  return /session \d+ turn \d+/.exec(text)?.[0] ?? "something else";
}

/** Twenty sessions with three messages each, sent at once: never more calls at the model than the cap, each in order. */
export async function parallel(context: GateContext, binary: string): Promise<void> {
  let atWork = 0;
  let most = 0;
  const server = startWireServer(async ({ body }) => {
    most = Math.max(most, ++atWork);
    await Bun.sleep(THINKING_MS);
    atWork--;
    return { do: "say", said: { text: `heard ${asked(body)}` } };
  });
  const provider = { baseUrl: server.baseUrl("openai-completions"), apiKey: "x", models: [ableModel("m-1")] };
  try {
    await using gateway = await TurnGateway.start(binary, {
      agents: { defaults: { model: { primary: "mock/m-1" }, maxConcurrent: CAP, skipBootstrap: true } },
      messages: { queue: { mode: "followup" } },
      models: { discovery: { enabled: false }, providers: { mock: provider } },
    });
    const key = (session: number): string => `agent:main:parallel-${session}`;
    const count = (n: number): number[] => Array.from({ length: n }, (_, at) => at + 1);
    const histories = () =>
      Promise.all(count(SESSIONS).map(async (session) => (await gateway.history(key(session))).map(textOf)));
    await context.step(`${SESSIONS} sessions in parallel: every message is answered`, async () => {
      const all = count(TURNS).flatMap((turn) =>
        count(SESSIONS).map((session) => gateway.send(key(session), `session ${session} turn ${turn}`)),
      );
      await Promise.all(all);
      await eventually("every answer", async () => (await histories()).every(({ length }) => length >= 2 * TURNS));
    });
    await context.check(`never more than ${CAP} calls at the model at once`, () => {
      context.metric("calls at the model at once, at most", most, "calls");
      must(most <= CAP, most);
      // Fewer would mean that the sessions did not run side by side at all.
      must(most === CAP, `only ${most} at once`);
      must(server.calls.length === SESSIONS * TURNS, `${server.calls.length} calls`);
    });
    await context.check("every session has its own messages and answers, in order", async () => {
      for (const [at, said] of (await histories()).entries()) {
        const expected = count(TURNS).flatMap((turn) => {
          const text = `session ${at + 1} turn ${turn}`;
          return [text, `heard ${text}`];
        });
        must(Bun.deepEquals(said, expected), said);
      }
    });
  } finally {
    await server.close();
  }
}
