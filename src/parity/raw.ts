import type { ParityCase, ParityRecord, RawStep } from "./cases.ts";
import { connectParams } from "./connect-params.ts";
import type { Target } from "./connection.ts";
import type { Normaliser } from "./normalise.ts";
import { type Frame, WireSocket } from "./socket.ts";
import type { Variables } from "./variables.ts";

const END_TIMEOUT_MS = 8000;

type RawOutcome = Pick<ParityRecord, "ok" | "payload" | "error">;

/** Drives a socket of its own step by step and records every answer and how the socket ended. */
export async function runRaw(
  target: Target,
  { raw = [], frames }: ParityCase,
  variables: Variables,
  normaliser: Normaliser,
): Promise<RawOutcome> {
  const socket = await WireSocket.open(target.url);
  const opened = socket.challenge !== undefined;
  for (const step of raw) {
    if (socket.closed) break;
    await take(variables.fill(step), socket, target);
  }
  const isOver = (): boolean => frames !== undefined && socket.answers.length >= frames;
  await socket.until(isOver, END_TIMEOUT_MS);
  const hello = socket.answers.find(isHello)?.payload;
  if (hello) normaliser.learn(hello);
  // A refusal is followed by the close that belongs to it.
  else if (socket.answers.some(({ ok }) => !ok)) await socket.until(() => socket.closed, 2000);
  const { closed } = socket;
  await socket.close();

  const answers = socket.answers.map((frame) => recordAnswer(frame, normaliser));
  const error = answers.findLast((answer) => answer.error)?.error;
  return {
    ok: answers.length > 0 && answers.every(({ ok }) => ok),
    ...(error && { error }),
    payload: {
      ...challengeFacts(socket),
      frames: answers.sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1)),
      close: closed && { code: closed.code, reason: normaliser.text(closed.reason) },
      opened,
    },
  };
}

async function take(step: RawStep, socket: WireSocket, target: Target): Promise<void> {
  if (step.wait !== undefined) await Bun.sleep(step.wait);
  else if (step.untilRes !== undefined)
    await socket.until(() => socket.answers.find(({ id }) => id === step.untilRes), 5000);
  else if (step.text !== undefined) socket.send(step.text);
  else if (step.binary !== undefined) socket.send(new TextEncoder().encode(step.binary));
  else if (step.send !== undefined) socket.sendJson(step.send);
  else {
    const params = step.padded
      ? { pad: "x".repeat(step.padded) }
      : connectParams(step.connect ?? {}, { token: target.token, challenge: socket.challenge! });
    socket.sendJson({ type: "req", id: step.id ?? "1", method: "connect", params });
  }
}

const isHello = ({ payload }: Frame): boolean => payload?.type === "hello-ok";

function recordAnswer(frame: Frame, normaliser: Normaliser) {
  const { type, id, ok, payload, error } = frame;
  if (error) return { type, id, ok: ok === true, error: normaliser.error(error) };
  const keys = typeof payload === "object" && payload !== null ? Object.keys(payload).sort() : typeof payload;
  if (!isHello(frame)) return { type, id, ok: ok === true, payload: { keys } };
  const { protocol, auth } = payload;
  return { type, id, ok: ok === true, payload: { type: payload.type, protocol, auth: normaliser.value(auth), keys } };
}

function challengeFacts({ frames: [first] }: WireSocket): object {
  if (first?.event !== "connect.challenge") return {};
  return { challenge: { keys: Object.keys(first.payload).sort(), seq: "seq" in first } };
}
