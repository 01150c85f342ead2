import { expect, test } from "bun:test";
import type { ParityCase } from "./cases.ts";
import { judge, unknownMethodError } from "./scope.ts";

const step = (id: string, method: string | undefined, more: Partial<ParityCase> = {}): ParityCase => ({
  id,
  family: "f",
  method,
  ...more,
});
/** A reference as cases write it. */
const ref = (name: string): string => `\${${name}}`;
const verdicts = (cases: ParityCase[], exceptions: Parameters<typeof judge>[1]["exceptions"] = []) =>
  Object.fromEntries(judge(cases, { exceptions, implemented: new Set(["a"]) }));

test("implemented methods and the transport are compared, others must be unknown", () => {
  const found = verdicts([
    step("one", "a"),
    step("two", "b"),
    step("three", undefined, { connect: {} }),
    step("four", "connect", { raw: [] }),
    step("five", ""),
  ]);
  expect(Object.values(found).map(({ kind }) => kind)).toEqual(["compare", "planned", "compare", "compare", "compare"]);
});

test("what a planned case would have saved or answered is missing for the cases that use it", () => {
  const found = verdicts([
    step("one", "b", { save: { key: "/key" } }),
    step("two", "a", { params: { key: ref("key") }, save: { other: "/x" } }),
    step("three", "a", { connect: { auth: { token: ref("json:other") } } }),
    step("four", "b", { async: true }),
    step("five", undefined, { await: "four" }),
    step("six", "a", { save: { key: "/key" } }),
    step("seven", "a", { params: [ref("key"), ref("token"), ref("device:op-a")] }),
  ]);
  expect(found.two).toEqual({ kind: "skip", reason: "needs key of one, which was not run" });
  expect(found.three).toEqual({ kind: "skip", reason: "needs other of two, which was not run" });
  expect(found.five).toEqual({ kind: "skip", reason: "awaits four, which was not run" });
  expect(found.seven).toEqual({ kind: "compare" });
});

test("an exception holds until its methods are there, and must name a case", () => {
  const cases = [step("one", "a")];
  const exception = { ids: ["one"], reason: "because" };
  expect(verdicts(cases, [exception]).one).toEqual({ kind: "compare", exception });
  expect(verdicts(cases, [{ ...exception, until: ["b"] }]).one).toHaveProperty("exception");
  expect(verdicts(cases, [{ ...exception, until: ["a"] }]).one).toEqual({ kind: "compare" });
  expect(() => verdicts(cases, [{ ids: ["nine"], reason: "because" }])).toThrow("does not exist");
});

test("the answer to an unknown method depends on who asks", () => {
  const none = new Map();
  expect(unknownMethodError(step("one", "b"), none).message).toBe("unknown method: b");
  expect(unknownMethodError(step("one", "b", { as: "read" }), none).message).toBe("missing scope: operator.admin");
  const nodes = new Map([["n", { role: "node" }]]);
  expect(unknownMethodError(step("one", "b", { as: "n" }), nodes).message).toBe("unauthorized role: node");
});
