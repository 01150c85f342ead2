import { describe, expect, test } from "bun:test";
import { TOOL_ENTRIES } from "../../generated/tools.ts";
import { deniesServer, grantedTools, profileOf } from "./policy.ts";
import type { ToolSubject } from "./types.ts";

const ALL = TOOL_ENTRIES.map(({ name }) => name);
const MAIN: ToolSubject = {
  agentId: "main",
  sessionKey: "agent:main:main",
  isOwner: true,
  isSandboxed: false,
  subagentDepth: 0,
};

const granted = (config: object, subject: Partial<ToolSubject> = {}, names: readonly string[] = ALL): string[] =>
  grantedTools(config, { ...MAIN, ...subject }, names).names;

const FILES = ["ls", "read", "write", "edit", "apply_patch"];
const names = (...some: string[]) => ALL.filter((name) => some.includes(name));

describe("profiles (docs: gateway/config-tools/tool-policy)", () => {
  test("none and `full` take nothing", () => {
    expect(granted({})).toEqual(ALL);
    expect(granted({ tools: { profile: "full" } })).toEqual(ALL);
  });

  test("`minimal` is the status and the gateway tool", () => {
    expect(granted({ tools: { profile: "minimal" } })).toEqual(["session_status", "gateway"]);
  });

  test("`coding` has files, commands, sessions and plans, and no messages", () => {
    const coding = granted({ tools: { profile: "coding" } });
    expect(coding).toEqual(expect.arrayContaining([...FILES, "exec", "process", "sessions_spawn", "automations"]));
    for (const name of ["message", "browser", "nodes", "agents_list", "pdf"]) expect(coding).not.toContain(name);
  });

  test("`messaging` has messages and sessions, and no files", () => {
    const messaging = granted({ tools: { profile: "messaging" } });
    expect(messaging).toEqual(expect.arrayContaining(["message", "sessions_send", "session_status", "ask_user"]));
    for (const name of [...FILES, "exec", "automations"]) expect(messaging).not.toContain(name);
  });

  test("an agent's own profile counts for it alone, and `alsoAllow` widens a profile", () => {
    const config = {
      tools: { profile: "coding", alsoAllow: ["browser"] },
      agents: { entries: { main: {}, support: { tools: { profile: "messaging", alsoAllow: ["group:fs"] } } } },
    };
    expect(granted(config)).toContain("browser");
    expect(granted(config, { agentId: "support" })).toContain("read");
    expect(granted(config, { agentId: "support" })).not.toContain("exec");
    expect(profileOf(config, "support")).toBe("messaging");
    expect(profileOf(config, "main")).toBe("coding");
  });
});

describe("lists", () => {
  const table: [string, object, string[]][] = [
    ["a read-only agent", { allow: ["read"], deny: ["exec", "write"] }, ["read"]],
    [
      "commands without files",
      { allow: ["read", "exec", "process"], deny: ["write", "edit", "apply_patch"] },
      names("read", "exec", "process"),
    ],
    ["exec brings apply_patch", { allow: ["exec"] }, names("exec", "apply_patch")],
    ["write brings apply_patch", { allow: ["write"] }, names("write", "apply_patch")],
    [
      "denying write leaves apply_patch",
      { allow: ["group:fs"], deny: ["write"] },
      names("ls", "read", "edit", "apply_patch"),
    ],
    ["groups", { allow: ["group:memory", "group:fs"] }, names(...FILES, "memory_search", "memory_get")],
    ["any case and white space", { allow: [" READ ", "Group:Memory"] }, names("read", "memory_search", "memory_get")],
    [
      "wildcards",
      { allow: ["sessions_*"], deny: ["*_send"] },
      ALL.filter((name) => name.startsWith("sessions_") && name !== "sessions_send"),
    ],
    ["a wildcard in the middle", { allow: ["w*e"] }, names("write", "apply_patch")],
    ["aliases", { allow: ["bash", "cron"] }, names("exec", "apply_patch", "automations")],
    [
      "deny of an alias",
      { allow: ["group:runtime"], deny: ["bash"] },
      names("process", "code_execution", "secrets", "apply_patch"),
    ],
    ["deny wins over allow", { allow: ["read"], deny: ["read"] }, []],
    ["an empty allow list allows all", { allow: [] }, ALL],
    ["deny of everything", { deny: ["*"] }, []],
    ["a name nobody has", { allow: ["query_db"] }, []],
    ["pattern characters mean themselves", { allow: ["rea.", "(read)", "re[a]d", "^read$"] }, []],
  ];
  test.each(table)("%s", (_title, tools, expected) => {
    expect(granted({ tools })).toEqual(expected);
    // For the agent alone it says the same.
    expect(granted({ agents: { entries: { main: { tools } } } })).toEqual(expected);
  });

  test("group:openclaw is every tool but those for files and commands", () => {
    const left = granted({ tools: { deny: ["group:openclaw"] } });
    expect(left).toEqual(names(...FILES, "exec", "process", "canvas"));
  });

  test("group:plugins is what the catalogue does not know", () => {
    const both = ["read", "docs__read", "docs__delete_all"];
    expect(granted({ tools: { allow: ["group:plugins"], deny: ["docs__delete_*"] } }, {}, both)).toEqual([
      "docs__read",
    ]);
    expect(granted({ tools: { allow: ["docs__*"] } }, {}, both)).toEqual(["docs__read", "docs__delete_all"]);
  });

  test("tells a list from a profile, so that an agent left without tools can be told from one without any wish", () => {
    expect(grantedTools({ tools: { allow: ["query_db"] } }, MAIN, ALL)).toEqual({ names: [], isListed: true });
    expect(grantedTools({ tools: { deny: ["*"] } }, MAIN, ALL)).toEqual({ names: [], isListed: false });
  });
});

describe("each level only takes (docs: tools/multi-agent-sandbox-tools)", () => {
  test("an agent cannot have what all are denied, nor what its profile lacks", () => {
    expect(
      granted({ tools: { deny: ["exec"] }, agents: { entries: { main: { tools: { allow: ["exec", "read"] } } } } }),
    ).toEqual(names("read", "apply_patch"));
    const config = { tools: { profile: "messaging" }, agents: { entries: { main: { tools: { allow: ["exec"] } } } } };
    expect(granted(config)).toEqual([]);
  });

  const byProvider = {
    tools: {
      profile: "coding",
      byProvider: {
        anthropic: { profile: "minimal" },
        "openai/gpt-5.4": { allow: ["group:fs", "sessions_list"] },
        google: { deny: ["exec"] },
      },
    },
  };
  const providers: [string, Partial<ToolSubject>, string[]][] = [
    ["a provider's profile", { provider: "anthropic", model: "x" }, ["session_status", "gateway"]],
    ["a model's list", { provider: "openai", model: "gpt-5.4" }, names(...FILES, "sessions_list")],
  ];
  test.each(providers)("%s narrows", (_title, subject, expected) => {
    expect(granted(byProvider, subject)).toEqual(expected);
  });
  test("a provider's rule is for that provider", () => {
    expect(granted(byProvider, { provider: "google", model: "g" })).not.toContain("exec");
    expect(granted(byProvider, { provider: "openai", model: "other" })).toContain("exec");
  });

  test("an agent's rule for a provider stands beside that of all", () => {
    const config = {
      tools: { byProvider: { mock: { deny: ["exec"] } } },
      agents: { entries: { main: { tools: { byProvider: { mock: { deny: ["read"] } } } } } },
    };
    const left = granted(config, { provider: "mock" });
    expect(left).not.toContain("exec");
    expect(left).not.toContain("read");
  });

  test("who sends decides, the most telling name first; an agent's rule replaces that of all", () => {
    const config = {
      tools: {
        toolsBySender: {
          "channel:discord:7": {},
          "id:guest": { deny: ["group:runtime", "group:fs"] },
          "*": { deny: ["exec"] },
        },
      },
      agents: { entries: { quiet: { tools: { toolsBySender: { "id:guest": {} } } } } },
    };
    expect(granted(config, { channel: "discord", senderId: "7" })).toContain("exec");
    expect(granted(config, { channel: "discord", senderId: "guest" })).not.toContain("read");
    expect(granted(config, { channel: "discord", senderId: "9" })).not.toContain("exec");
    expect(granted(config, { agentId: "quiet", channel: "discord", senderId: "guest" })).toContain("read");
  });

  test("a group's rule is for its sessions", () => {
    const groups = { "42": { tools: { allow: ["read"] } }, "*": { tools: { deny: ["exec"] } } };
    const config = { channels: { telegram: { groups } } };
    expect(granted(config, { sessionKey: "agent:main:telegram:group:42" })).toEqual(["read"]);
    expect(granted(config, { sessionKey: "agent:main:telegram:group:42:thread:9" })).toEqual(["read"]);
    expect(granted(config, { sessionKey: "agent:main:telegram:group:43" })).not.toContain("exec");
    expect(granted(config, { sessionKey: "agent:main:telegram:direct:42" })).toContain("exec");
  });
});

describe("a sandbox", () => {
  test("keeps tools that reach beyond it away unless they are allowed there", () => {
    const boxed = granted({}, { isSandboxed: true });
    for (const name of ["gateway", "automations", "nodes", "browser"]) expect(boxed).not.toContain(name);
    expect(boxed).toEqual(expect.arrayContaining(["read", "exec", "sessions_list"]));
    const config = { tools: { sandbox: { tools: { alsoAllow: ["browser"] } } } };
    expect(granted(config, { isSandboxed: true })).toContain("browser");
    expect(granted(config, { isSandboxed: true })).not.toContain("nodes");
  });

  test("an agent's own list replaces that of all sandboxes", () => {
    const config = {
      tools: { sandbox: { tools: { allow: ["read"] } } },
      agents: { entries: { main: { tools: { sandbox: { tools: { allow: ["write"] } } } } } },
    };
    expect(granted(config, { isSandboxed: true })).toEqual(names("write", "apply_patch"));
    expect(granted(config, { isSandboxed: true, agentId: "other" })).toEqual(["read"]);
    expect(granted(config)).toEqual(ALL);
  });
});

describe("a subagent (docs: tools/subagents/tool-policy)", () => {
  test("never has the tools of its owner's hand, whatever is allowed", () => {
    const config = { tools: { alsoAllow: ["message"], allow: ["*"] } };
    const left = granted(config, { subagentDepth: 1 });
    const never = [
      "gateway",
      "agents_list",
      "session_status",
      "progress_card",
      "automations",
      "message",
      "sessions_send",
    ];
    for (const name of [...never, "conversations_list"]) expect(left).not.toContain(name);
    expect(left).toEqual(expect.arrayContaining(["sessions_spawn", "subagents", "sessions_history", "exec"]));
  });

  test("at the deepest level it has no subagents of its own", () => {
    const left = granted({}, { subagentDepth: 5 });
    for (const name of ["sessions_spawn", "subagents", "sessions_list", "sessions_history"])
      expect(left).not.toContain(name);
    const config = { agents: { defaults: { subagents: { maxSpawnDepth: 1 } } } };
    expect(granted(config, { subagentDepth: 1 })).not.toContain("sessions_spawn");
  });

  test("`tools.subagents.tools` narrows it further", () => {
    const config = { tools: { subagents: { tools: { allow: ["read", "exec", "gateway"], deny: ["exec"] } } } };
    expect(granted(config, { subagentDepth: 1 })).toEqual(names("read", "apply_patch"));
  });
});

test("tools for owners are not given to others, even where they are listed", () => {
  const left = granted({ tools: { allow: ["gateway", "cron", "nodes", "read"] } }, { isOwner: false });
  expect(left).toEqual(["read"]);
});

describe("tools of MCP servers (docs: cli/mcp/registry, gateway/config-tools/tool-policy)", () => {
  const remote = ["docs__readPage", "docs__drop", "other__x"];
  const left = (tools: object, subject: Partial<ToolSubject> = {}) => granted({ tools }, subject, remote);

  test("are in the profiles `coding` and `messaging`, and not in `minimal`", () => {
    for (const profile of ["coding", "messaging", "full"]) expect(left({ profile })).toEqual(remote);
    expect(left({ profile: "minimal" })).toEqual([]);
    expect(left({ profile: "minimal", alsoAllow: ["docs__readPage"] })).toEqual(["docs__readPage"]);
  });

  test("are named one by one, by server, or all at once, in any case", () => {
    expect(left({ deny: ["bundle-mcp"] })).toEqual([]);
    expect(left({ deny: ["docs__*"] })).toEqual(["other__x"]);
    expect(left({ allow: ["docs__readpage"] })).toEqual(["docs__readPage"]);
    expect(left({ allow: ["bundle-mcp"], deny: ["docs__DROP"] })).toEqual(["docs__readPage", "other__x"]);
  });

  test("86: act outside a sandbox, and need a word for them there", () => {
    const boxed = { isSandboxed: true };
    expect(left({}, boxed)).toEqual([]);
    expect(left({ allow: ["bundle-mcp"] }, boxed)).toEqual([]);
    expect(left({ sandbox: { tools: { alsoAllow: ["docs__*"] } } }, boxed)).toEqual(["docs__readPage", "docs__drop"]);
    expect(left({ sandbox: { tools: { alsoAllow: ["bundle-mcp"] } } }, boxed)).toEqual(remote);
  });

  test("a server of which nothing may be used is not started", () => {
    const denied = (tools: object, server = "docs") => deniesServer({ tools }, MAIN, server);
    for (const deny of ["bundle-mcp", "docs__*", "*", "group:plugins"]) expect(denied({ deny: [deny] })).toBe(true);
    expect(denied({ deny: ["docs__drop", "docs__d*"] })).toBe(false);
    expect(denied({ deny: ["docs__*"] }, "other")).toBe(false);
    expect(denied({ profile: "minimal" })).toBe(true);
    expect(denied({ profile: "minimal", alsoAllow: ["docs__readPage"] })).toBe(false);
    expect(denied({ profile: "minimal", alsoAllow: ["docs__readPage"] }, "other")).toBe(true);
    expect(denied({ profile: "coding" })).toBe(false);
    expect(denied({ allow: ["read"] })).toBe(true);
    expect(denied({ allow: ["read", "docs__drop"] })).toBe(false);
    expect(deniesServer({}, { ...MAIN, isSandboxed: true }, "docs")).toBe(true);
    expect(deniesServer({}, { ...MAIN, inheritedTools: ["read", "docs__drop"] }, "docs")).toBe(false);
    expect(deniesServer({}, { ...MAIN, inheritedTools: ["read"] }, "docs")).toBe(true);
  });
});
