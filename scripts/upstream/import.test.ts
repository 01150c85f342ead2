import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { inlineRefs } from "../codegen/schema.ts";
import { main } from "../import-upstream.ts";
import { readUpstream } from "./source.ts";
import { readUpstreamSpec } from "./spec-files.ts";

const root = join(import.meta.dir, "..", "..");
/** Facts cut from the schemas of two real releases. The whole of both goes through `bun run gate protocol`. */
const release = (version: string): string => join(root, "fixtures", "protocol", "releases", version);
const OLD = release("2026.8.1-beta.3");
const NEW = release("2026.9.1");

let spec: string;
beforeEach(() => {
  spec = mkdtempSync(join(tmpdir(), "chela-import-"));
  mkdirSync(join(spec, "chela", "types"), { recursive: true });
  mkdirSync(join(spec, "chela", "events"));
  writeFileSync(
    join(spec, "chela", "bindings.yaml"),
    "methods:\n  agents.list: { status: implemented }\n  portal.list: { status: planned }\n  logs.tail: { status: implemented, result: OwnTail }\n",
  );
  writeFileSync(
    join(spec, "chela", "types", "logs.yaml"),
    "OwnTail: { type: object, properties: { upstream: { $ref: LogsTailResult } } }\n",
  );
  writeFileSync(
    join(spec, "chela", "events", "transport.yaml"),
    "events:\n  presence: { payload: PresenceEntry, scope: null, status: implemented }\n",
  );
});
afterEach(() => rmSync(spec, { recursive: true, force: true }));

/** Runs the command on the temporary spec; what it printed and its exit code. */
function run(...args: string[]): { code: number; out: string; err: string } {
  const out: string[] = [];
  const err: string[] = [];
  const log = spyOn(console, "log").mockImplementation((text) => void out.push(String(text)));
  const error = spyOn(console, "error").mockImplementation((text) => void err.push(String(text)));
  try {
    const code = main([...args, "--spec", spec]);
    return { code, out: out.join("\n"), err: err.join("\n") };
  } finally {
    log.mockRestore();
    error.mockRestore();
  }
}

/** Every file below a folder with its text. */
function textsOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")]));
}

describe("an import", () => {
  test("writes lock, methods and types by family, which say exactly what the release says", () => {
    expect(run(OLD).code).toBe(0);
    expect(Object.keys(textsOf(join(spec, "upstream")))).toEqual([
      "lock.yaml",
      "methods.yaml",
      "types/agents.yaml",
      "types/chat.yaml",
      "types/common.yaml",
      "types/logs.yaml",
      "types/portal.yaml",
      "types/terminal.yaml",
    ]);
    const written = readUpstreamSpec(join(spec, "upstream"))!;
    const { definitions, methods, sha256 } = readUpstream(OLD);
    expect(written.lock).toEqual({
      package: "@openclaw/gateway-protocol",
      version: "2026.8.1-beta.3",
      sha256,
      wire: null,
      methods: 6,
      types: 13,
    });
    expect(written.methods).toEqual(methods);
    for (const [name, schema] of Object.entries(definitions)) {
      // As text, since the order of keywords decides the order of error texts.
      expect(JSON.stringify(inlineRefs(written.types[name]!, written.types))).toBe(JSON.stringify(schema));
    }
    expect(written.types.AgentsListResult).toMatchObject({
      properties: { agents: { items: { $ref: "AgentSummary" } } },
    });
  });

  test("a second time changes nothing", () => {
    run(OLD);
    const before = textsOf(spec);
    const again = run(OLD);
    expect(again).toMatchObject({ code: 0, err: "" });
    expect(again.out).toEndWith("spec/upstream is up to date.");
    expect(textsOf(spec)).toEqual(before);
    expect(run(OLD, "--check").code).toBe(0);
  });

  test("of the next release says what came and changed and whom that concerns", () => {
    run(OLD);
    const { code, out } = run(NEW);
    expect(code).toBe(0);
    expect(out.split("\n").slice(0, -1)).toEqual([
      "@openclaw/gateway-protocol 2026.8.1-beta.3 > @openclaw/gateway-protocol 2026.9.1 (9 methods, 16 types)",
      "methods: 3 added, 0 removed, 0 changed",
      "  + exec.approval.grants.list (operator.approvals)",
      "  + session.members.listEvidence (operator.read)",
      "  + users.setRole (operator.admin)",
      "types: 3 added, 0 removed, 8 changed",
      "  + ExecApprovalGrantsListParams",
      "  + ExecApprovalGrantsListResult",
      "  + ExecApprovalStandingGrant",
      "  ~ AgentSummary (+defaultPermissionMode)  -> agents.list",
      "  ~ ChatMetadataParams (+sessionKey)",
      '  ~ ChatRunStartupPhase (+"naming_worktree" +"creating_worktree" +"running_setup")',
      "  ~ LogsTailResult (+skippedBytes)  -> logs.tail",
      "  ~ PluginApprovalRequestParams (+scope +mcpTool ~pluginId ~detail ~severity ~toolName ~toolCallId ~allowedDecisions ~agentId ~sessionKey ~approvalReviewerDeviceIds ~turnSourceChannel ~turnSourceTo ~turnSourceAccountId ~turnSourceThreadId)",
      "  ~ PortalSummary (+origin)",
      "  ~ PresenceEntry (+timeZone +onlineSince +lastActivityAt ~user)  -> event presence",
      "  ~ TerminalSessionInfo (+title)",
      "concerns of what is implemented: agents.list, event presence, logs.tail",
    ]);
    expect(out).toEndWith("Wrote 9 files of spec/upstream.");
    expect(existsSync(join(spec, "upstream", "types", "exec.yaml"))).toBe(true);
  });

  test("back to the older release takes away what it does not have, families too, and leaves no trace", () => {
    run(OLD);
    const before = textsOf(spec);
    run(NEW);
    const { out } = run(OLD);
    expect(out).toContain("methods: 0 added, 3 removed, 0 changed\n  - exec.approval.grants.list\n");
    expect(out).toContain("types: 0 added, 3 removed, 8 changed");
    expect(out).toContain("~ AgentSummary (-defaultPermissionMode)  -> agents.list");
    expect(textsOf(spec)).toEqual(before);
  });

  test("never touches what was written by hand", () => {
    const before = textsOf(join(spec, "chela"));
    run(OLD);
    run(NEW);
    expect(textsOf(join(spec, "chela"))).toEqual(before);
  });

  test("with --check only reports, and fails when there is something to do", () => {
    run(OLD);
    const before = textsOf(spec);
    const { code, out } = run(NEW, "--check");
    expect(code).toBe(1);
    expect(out).toContain("types: 3 added, 0 removed, 8 changed");
    expect(textsOf(spec)).toEqual(before);
  });

  test("with --json reports for machines", () => {
    run(OLD);
    const report = JSON.parse(run(NEW, "--check", "--json").out);
    expect(report.methods.added.map(({ name }: { name: string }) => name)).toEqual([
      "exec.approval.grants.list",
      "session.members.listEvidence",
      "users.setRole",
    ]);
    expect(report.types.changed[0]).toEqual({
      name: "AgentSummary",
      handlers: ["agents.list"],
      detail: "+defaultPermissionMode",
    });
  });

  test("changes the lines that really changed and no others", () => {
    run(OLD);
    const file = join(spec, "upstream", "types", "portal.yaml");
    const before = readFileSync(file, "utf8").split("\n");
    run(NEW);
    const after = readFileSync(file, "utf8").split("\n");
    const added = after.filter((line) => !before.includes(line));
    expect(added.map((line) => line.trim())).toEqual(["origin: { type: string }"]);
    expect(before.filter((line) => !after.includes(line))).toEqual([]);
  });

  test("reads a schema file by its path, too", () => {
    const { code, out } = run(join(NEW, "protocol.schema.json"));
    expect(code).toBe(0);
    expect(out).toStartWith("nothing > @openclaw/gateway-protocol 2026.9.1 (9 methods, 16 types)");
  });
});

describe("an import is refused", () => {
  test.each([
    ["a path that is not there", "./no/such/folder", "no such file or folder, and not a package name"],
    ["a file that is no schema", join(OLD, "package.json"), 'it must have "methods" and "definitions"'],
  ])("of %s", (_, source, reason) => {
    const { code, err } = run(source);
    expect(code).toBe(1);
    expect(err).toContain(reason);
    expect(existsSync(join(spec, "upstream"))).toBe(false);
  });

  test("of methods without a scope", () => {
    const folder = join(spec, "broken");
    cpSync(OLD, folder, { recursive: true });
    const file = join(folder, "protocol.schema.json");
    writeFileSync(file, readFileSync(file, "utf8").replace(',"scope":"operator.read"', ""));
    expect(run(folder)).toMatchObject({
      code: 1,
      err: expect.stringContaining('method health must have "scope" and "since"'),
    });
  });

  test("with an option that it does not know", () => {
    expect(run(OLD, "--force")).toMatchObject({ code: 2, err: expect.stringContaining("usage:") });
  });
});

test("what is committed of upstream is as the importer writes it, and both YAML readers agree on it", () => {
  const folder = join(root, "spec", "upstream");
  for (const text of Object.values(textsOf(folder))) {
    expect(JSON.stringify(Bun.YAML.parse(text))).toBe(JSON.stringify(parse(text)));
  }
  const { lock, methods, types } = readUpstreamSpec(folder)!;
  expect([Object.keys(methods).length, Object.keys(types).length]).toEqual([lock.methods, lock.types]);
});
