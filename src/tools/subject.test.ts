import { expect, test } from "bun:test";
import { subjectOf } from "./subject.ts";

const roster = { agents: [], mainKey: "main" };
const subject = (sandbox: object, session: object) =>
  subjectOf(
    { config: { agents: { defaults: { sandbox } } }, roster },
    { key: "agent:main:main", agentId: "main", spawnDepth: 0, ...session },
    { isOwner: true },
  );

test("the main session is confined only where all are", () => {
  expect(subject({}, {}).isSandboxed).toBe(false);
  expect(subject({ mode: "all" }, {}).isSandboxed).toBe(true);
  expect(subject({ mode: "non-main" }, {}).isSandboxed).toBe(false);
  expect(subject({ mode: "non-main" }, { key: "agent:main:other" }).isSandboxed).toBe(true);
});

test("86: a session is confined where the one that began it is", () => {
  const agents = [{ id: "strict", raw: { sandbox: { mode: "all" } } }] as never;
  const child = { key: "agent:main:subagent:1", agentId: "main", spawnDepth: 1 };
  const of = (spawnedBy?: string) =>
    subjectOf({ config: {}, roster: { ...roster, agents } }, { ...child, tools: { spawnedBy } }, { isOwner: true });
  expect(of("agent:strict:main").isSandboxed).toBe(true);
  expect(of("agent:main:main").isSandboxed).toBe(false);
  expect(of().isSandboxed).toBe(false);
});

test("the session's permission mode is known", () => {
  expect(subject({}, { tools: { permissionMode: "read-only" } }).permissionMode).toBe("read-only");
  expect(subject({}, {})).not.toHaveProperty("permissionMode");
});
