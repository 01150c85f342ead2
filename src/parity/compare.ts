import type { ParityRecord, RecordedError, RecordedEvent } from "./cases.ts";
import { shapeDifferences, shapeOf } from "./shape.ts";

export interface CompareOptions {
  /** Compare values too, not only their shapes. */
  values?: boolean;
  /** Compare the words of errors. */
  messages?: boolean;
}

const MOST_VALUES = 12;

/**
 * How a record differs from the recorded one, a line each: status, error code and details code, shapes of payload,
 * acceptance, details and events, which events came, and how the socket was closed.
 */
export function compareRecords(expected: ParityRecord, actual: ParityRecord, options: CompareOptions = {}): string[] {
  if (expected.harnessError !== undefined || actual.harnessError !== undefined) {
    return changed("nothing was recorded", expected.harnessError, actual.harnessError);
  }
  if (expected.ok !== actual.ok) return [`ok ${describe(expected)} -> ${describe(actual)}`];
  return [
    ...compareErrors(expected.error, actual.error, options),
    ...shapeDifferences(shapeOf(expected.ack ?? null), shapeOf(actual.ack ?? null)).map((line) => `ack ${line}`),
    ...compareClose(expected, actual),
    ...shapeDifferences(payloadShape(expected), payloadShape(actual)),
    ...(options.values ? valueDifferences(expected.payload, actual.payload) : []),
    ...compareEvents(expected.events ?? [], actual.events ?? [], options),
  ];
}

const describe = ({ ok, error }: ParityRecord): string =>
  error ? `${ok} (${error.code}: ${error.message.slice(0, 140)})` : String(ok);

function changed(what: string, expected: unknown, actual: unknown): string[] {
  if (Bun.deepEquals(expected, actual)) return [];
  return [`${what} ${JSON.stringify(expected)} -> ${JSON.stringify(actual)}`];
}

function compareErrors(
  expected: RecordedError | undefined,
  actual: RecordedError | undefined,
  { values, messages }: CompareOptions,
): string[] {
  if (expected === undefined && actual === undefined) return [];
  const detailsCode = (error?: RecordedError): unknown => (error?.details as { code?: unknown } | undefined)?.code;
  return [
    ...changed("error.code", expected?.code, actual?.code),
    ...changed("error.details.code", detailsCode(expected), detailsCode(actual)),
    ...changed("error.retryable", expected?.retryable, actual?.retryable),
    ...(values || messages ? changed("error.message", expected?.message, actual?.message) : []),
    ...shapeDifferences(shapeOf(expected?.details ?? null), shapeOf(actual?.details ?? null)).map(
      (line) => `error.details ${line}`,
    ),
    ...(values ? valueDifferences(expected?.details, actual?.details, "error.details") : []),
  ];
}

/** Cases with a socket of their own record its end inside the payload. */
function compareClose(expected: ParityRecord, actual: ParityRecord): string[] {
  const close = ({ payload }: ParityRecord): unknown => (payload as { close?: unknown } | undefined)?.close;
  if (expected.method !== "connect" || close(expected) === undefined) return [];
  return changed("close", close(expected), close(actual));
}

const payloadShape = ({ payload, payloadPaths }: ParityRecord): string[] =>
  payloadPaths ?? (payload === undefined ? [] : shapeOf(payload));

function compareEvents(
  expected: readonly RecordedEvent[],
  actual: readonly RecordedEvent[],
  { values }: CompareOptions,
): string[] {
  const kinds = [expected.map(kindOf), actual.map(kindOf)];
  if (!Bun.deepEquals(kinds[0], kinds[1])) return [`events ${kinds[0]!.join(" ")} -> ${kinds[1]!.join(" ")}`];
  return expected.flatMap(({ payload }, index) => {
    const other = actual[index]!.payload;
    const shapes = shapeDifferences(shapeOf(payload ?? null), shapeOf(other ?? null));
    const lines = values ? [...shapes, ...valueDifferences(payload, other)] : shapes;
    return lines.map((line) => `event ${index} ${kinds[0]![index]} ${line}`);
  });
}

function kindOf({ event, payload, missing }: RecordedEvent): string {
  const { state, stream, data, phase } = (payload ?? {}) as {
    state?: string;
    stream?: string;
    phase?: string;
    data?: { phase?: string };
  };
  return [event, state, stream, data?.phase ?? phase, missing && "missing"].filter(Boolean).join("/");
}

/** Values that differ, by JSON pointer; the first dozen. */
function valueDifferences(expected: unknown, actual: unknown, path = ""): string[] {
  if (Bun.deepEquals(expected, actual)) return [];
  if (!isTree(expected) || !isTree(actual) || Array.isArray(expected) !== Array.isArray(actual)) {
    return [`= ${path || "."} ${shortly(expected)} -> ${shortly(actual)}`];
  }
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  const lines = [...keys].flatMap((key) => valueDifferences(expected[key], actual[key], `${path}/${key}`));
  return lines.slice(0, MOST_VALUES);
}

const isTree = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

const shortly = (value: unknown): string => (JSON.stringify(value) ?? "undefined").slice(0, 120);
