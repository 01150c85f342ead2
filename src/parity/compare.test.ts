import { describe, expect, test } from "bun:test";
import type { ParityRecord } from "./cases.ts";
import { compareRecords } from "./compare.ts";
import { shapeDifferences, shapeOf } from "./shape.ts";

const record = (fields: Partial<ParityRecord>): ParityRecord => ({
  id: "x",
  family: "f",
  method: "m",
  ok: true,
  ...fields,
});
const refusal = (code: string, details?: object): Partial<ParityRecord> => ({
  ok: false,
  error: { code, message: code, details },
});

describe("shapes", () => {
  test("list every path with its types", () => {
    expect(shapeOf({ a: [1, null, { "b.c": "x" }], d: {} })).toEqual([
      ".a:array",
      ".a[].b\\.c:string",
      ".a[]:null|number|object",
      ".d:object",
      ":object",
    ]);
  });

  test("differ by paths that one side lacks and by types that exclude each other", () => {
    const lines = shapeDifferences(shapeOf({ a: 1, b: "x", c: true }), shapeOf({ a: "1", c: false, d: null }));
    expect(lines).toEqual(["~ .a number -> string", "- .b (string)", "+ .d (null)"]);
  });

  test("agree where one side has an empty array, and where a type is one of several", () => {
    expect(shapeDifferences(shapeOf({ list: [{ a: 1 }] }), shapeOf({ list: [] }))).toEqual([]);
    expect(shapeDifferences(shapeOf({ list: [1, "x"] }), shapeOf({ list: [2] }))).toEqual([]);
  });
});

describe("records", () => {
  test("agree when only values differ, unless values are asked for", () => {
    const [a, b] = [record({ payload: { n: 1 } }), record({ payload: { n: 2 } })];
    expect(compareRecords(a, b)).toEqual([]);
    expect(compareRecords(a, b, { values: true })).toEqual(["= /n 1 -> 2"]);
  });

  test("differ by status, error code, details code and retryability", () => {
    expect(compareRecords(record({}), record(refusal("FORBIDDEN")))).toEqual([
      "ok true -> false (FORBIDDEN: FORBIDDEN)",
    ]);
    expect(compareRecords(record(refusal("A", { code: "X" })), record(refusal("B", { code: "Y" })))).toEqual([
      'error.code "A" -> "B"',
      'error.details.code "X" -> "Y"',
    ]);
    const retryable = record({ ok: false, error: { code: "A", message: "a", retryable: true } });
    expect(compareRecords(retryable, record(refusal("A")))).toEqual(["error.retryable true -> undefined"]);
  });

  test("differ by the words of an error only when asked", () => {
    const [a, b] = ["one", "two"].map((message) => record({ ok: false, error: { code: "A", message } }));
    expect(compareRecords(a!, b!)).toEqual([]);
    expect(compareRecords(a!, b!, { messages: true })).toEqual(['error.message "one" -> "two"']);
  });

  test("differ by how the socket was closed", () => {
    const closed = (code: number) => record({ method: "connect", payload: { close: { code, reason: "" } } });
    expect(compareRecords(closed(1000), closed(1008))).toEqual([
      'close {"code":1000,"reason":""} -> {"code":1008,"reason":""}',
    ]);
  });

  test("differ by which events came, and by their shapes", () => {
    const chat = (...payloads: object[]) => record({ events: payloads.map((payload) => ({ event: "chat", payload })) });
    expect(compareRecords(chat({ state: "delta" }, { state: "final" }), chat({ state: "final" }))).toEqual([
      "events chat/delta chat/final -> chat/final",
    ]);
    expect(compareRecords(chat({ state: "final", message: "x" }), chat({ state: "final" }))).toEqual([
      "event 0 chat/final - .message (string)",
    ]);
  });

  test("compare a shape with a payload that was small enough to keep", () => {
    const large = record({ payloadPaths: shapeOf({ a: 1 }) });
    expect(compareRecords(large, record({ payload: { a: 5 } }))).toEqual([]);
    expect(compareRecords(large, record({ payload: { b: 5 } }))).toEqual(["- .a (number)", "+ .b (number)"]);
  });
});
