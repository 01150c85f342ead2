import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ableModel } from "../../../src/models/testing/models.ts";
import { type Act, startWireServer, type WireCall, type WireServer } from "../../../src/models/testing/wire-server.ts";
import { APIS, type Api, USED } from "../../../src/models/testing/wires.ts";
import type { GateContext } from "../../gate/run.ts";
import { must, TurnGateway, textOf } from "../turns/turn-gateway.ts";

const WORDS = "one two three four five six seven eight nine ten eleven twelve";
const NOTE = "the tide turns at noon";
/** Seconds after which a silent provider is given up. */
const SILENCE = 1;

/** What the server does for a model of the name; the tool's answer is there once the request tells of it. */
const ACTS: Record<string, (call: WireCall) => Act> = {
  text: () => ({ do: "say", said: { text: WORDS }, delayMs: 30 }),
  tool: ({ body }) => {
    if (JSON.stringify(body).includes(NOTE)) return { do: "say", said: { text: `It says that ${NOTE}.` } };
    const args = JSON.stringify({ path: "note.txt" });
    return { do: "say", said: { text: "Looking.", calls: [{ id: "call_1", name: "read", args }] } };
  },
  error: () => ({ do: "refuse", status: 401, message: "this key is not known here" }),
  // Longer than the silence that is borne, and never silent that long.
  slow: () => ({ do: "say", said: { text: WORDS }, delayMs: 150 }),
  broken: () => ({ do: "break", said: { text: WORDS } }),
  cut: () => ({ do: "cut", said: { text: WORDS } }),
  stalled: () => ({ do: "stall", said: { text: WORDS } }),
};

const modelOf = ({ body, path }: WireCall): string => String(body.model ?? path.split(/[/:]/).at(-2));

/** A provider of its own for each wire and act, so that none suffers for the failures of another. */
function providers(server: WireServer): Record<string, object> {
  const entries = APIS.flatMap((api) =>
    Object.keys(ACTS).map((act) => [
      `${api}-${act}`,
      {
        baseUrl: server.baseUrl(api),
        api,
        apiKey: `key-of-${act}`,
        timeoutSeconds: SILENCE,
        models: [ableModel(act)],
      },
    ]),
  );
  return Object.fromEntries(entries);
}

/** Each wire format: streamed text, a tool call, an error, a slow stream, streams that break off, are cut or stall. */
export async function wireFormats(context: GateContext, binary: string): Promise<void> {
  const server = startWireServer((call) => ACTS[modelOf(call)]!(call));
  try {
    const gateway = await context.step("wire formats: start", () => startOver(binary, server));
    await using _ = gateway;
    for (const api of APIS) await checkWire(context, gateway, server, api);
  } finally {
    await server.close();
  }
}

async function startOver(binary: string, server: WireServer): Promise<TurnGateway> {
  const gateway = await TurnGateway.start(binary, {
    agents: { defaults: { model: { primary: `${APIS[0]}-text/text` }, skipBootstrap: true } },
    models: { discovery: { enabled: false }, providers: providers(server) },
  });
  const workspace = join(gateway.home.stateDir, "workspace");
  mkdirSync(workspace, { recursive: true });
  writeFileSync(join(workspace, "note.txt"), `${NOTE}\n`);
  return gateway;
}

async function checkWire({ check }: GateContext, gateway: TurnGateway, server: WireServer, api: Api): Promise<void> {
  const ask = async (act: string) => {
    const sessionKey = `agent:main:${api}-${act}`;
    await gateway.call("sessions.patch", { key: sessionKey, model: `${api}-${act}/${act}` });
    const asked = server.calls.length;
    const { runId, end } = await gateway.say(sessionKey, "hello");
    const calls = server.calls.slice(asked);
    must(calls.length > 0 && calls.every((call) => call.api === api && modelOf(call) === act), calls);
    return { sessionKey, runId, end, calls };
  };
  const failing = async (act: string, reason: string) => {
    const { sessionKey, end, calls } = await ask(act);
    must(end.state === "error" && calls.length <= 10, { end, calls: calls.length });
    const { modelAttempts } = await gateway.describe(sessionKey);
    must(modelAttempts?.at(-1)?.reason === reason, modelAttempts);
    must(!JSON.stringify([end, modelAttempts]).includes(`key-of-${act}`), "a key is told");
    return { end, modelAttempts };
  };
  const whole = async (act: string) => {
    const { sessionKey, runId, end, calls } = await ask(act);
    must(end.state === "final" && textOf(end.message) === WORDS && calls.length === 1, end);
    const told = gateway.of(runId, "chat").filter(({ state }) => state === "delta");
    must(told.length > 1, `the answer came in ${told.length} pieces`);
    must(textOf((await gateway.history(sessionKey)).at(-1)) === WORDS, "another text is stored");
    return sessionKey;
  };
  await check(`${api}: text is streamed, stored and counted`, async () => {
    const last = (await gateway.history(await whole("text"))).at(-1);
    must(last.usage?.output === USED.output && last.usage?.totalTokens === USED.input + USED.output, last.usage);
  });
  await check(`${api}: a tool is called, and its result told to the model`, async () => {
    const { sessionKey, end, calls } = await ask("tool");
    must(end.state === "final" && calls.length === 2, end);
    const [, asked, result, said] = await gateway.history(sessionKey);
    const call = asked.content.find(({ type }: { type: string }) => type === "toolCall");
    must(call?.name === "read" && call.arguments?.path === "note.txt", asked);
    must(result.role === "toolResult" && textOf(result).includes(NOTE) && result.toolCallId === call.id, result);
    must(textOf(said) === `It says that ${NOTE}.`, said);
  });
  await check(`${api}: an error is told, with its reason`, async () => {
    const { modelAttempts } = await failing("error", "auth");
    must(modelAttempts[0].status === 401, modelAttempts);
  });
  await check(`${api}: a slow stream is waited for`, () => whole("slow"));
  await check(`${api}: a stream that breaks off is no answer`, () => failing("broken", "unavailable"));
  await check(`${api}: a stream that ends within a frame is no answer`, () => failing("cut", "unavailable"));
  await check(`${api}: a stream that stalls is given up`, () => failing("stalled", "timeout"));
  gateway.forget();
}
