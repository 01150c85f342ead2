import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { TestClient } from "../../src/gateway/testing.ts";
import { readCases, readRecords } from "../../src/parity/cases.ts";
import { GatewayHome, GatewayProcess } from "../../src/parity/gateway-process.ts";
import { startModelServer } from "../../src/parity/model-server.ts";
import { replay } from "../../src/parity/replay.ts";
import { failures, tally } from "../../src/parity/report.ts";
import { readExceptions } from "../../src/parity/scope.ts";
import { fillDatabase, type SessionDatabase } from "../exercise/session-database.ts";
import type { Gate, GateContext } from "../gate/run.ts";

const USAGE = `arguments of the gate:
  --sessions N --messages N   size of the database, 10000 and 1000000 unless told
  --calls N                   of each kind, 200 unless told
  --binary PATH               the executable; the sources are run unless told`;

/** Milliseconds of processor time that a call may take. */
const LIMIT_MS = 10;
/** Where the index has to go through all places of two words, each in many messages, to find that none has both. */
const MEETINGLESS_LIMIT_MS = 25;

export const gate: Gate = {
  name: "sessions",
  summary:
    "Ten thousand sessions with a million messages: processor time of every call, a restart, and the recorded exchanges",
  async run(context) {
    const options = parse(context.args);
    const command = options.binary ? [options.binary] : [process.execPath, "src/main.ts"];
    await large(context, command, options);
    await context.check("recorded exchanges about sessions and where they are routed", () =>
      recorded(context, command),
    );
  },
};

type Options = ReturnType<typeof parse>;

function parse(args: readonly string[]) {
  try {
    const number = (value: string): number => {
      if (!/^[1-9]\d*$/.test(value)) throw new Error(`not a number: ${value}`);
      return Number(value);
    };
    const { values } = parseArgs({
      args: [...args],
      options: {
        sessions: { type: "string", default: "10000" },
        messages: { type: "string", default: "1000000" },
        calls: { type: "string", default: "200" },
        binary: { type: "string" },
      },
    });
    const { sessions, messages, calls, binary } = values;
    return { sessions: number(sessions), messages: number(messages), calls: number(calls), binary };
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${USAGE}`);
  }
}

async function large(context: GateContext, command: readonly string[], options: Options): Promise<void> {
  const models = startModelServer({ remember: 0 });
  using home = new GatewayHome(models.baseUrl);
  try {
    const database = await context.step("fill a database", () =>
      fillDatabase(home.stateDir, { ...options, now: Date.now() }),
    );
    context.metric("sessions", database.sessions, "sessions");
    context.metric("messages", database.messages, "messages");
    const before = await withClient(context, command, home, async (client, pid) => {
      await measure(context, client, pid, database, options.calls);
      return digest(client, database);
    });
    await withClient(context, command, home, (client) =>
      context.check("everything is there after a restart", async () => {
        const after = await digest(client, database);
        if (after !== before) throw new Error(`it was ${before} and is ${after}`);
      }),
    );
  } finally {
    await models.close();
  }
}

async function withClient<T>(
  { step }: GateContext,
  command: readonly string[],
  home: GatewayHome,
  work: (client: TestClient, pid: number) => Promise<T>,
): Promise<T> {
  const gateway = await step("start", () => GatewayProcess.start(command, home));
  try {
    const client = await TestClient.open(home.url);
    await client.hello({ auth: { token: home.token } });
    return await work(client, gateway.pid);
  } finally {
    await gateway.end();
  }
}

type Call = (n: number) => [method: string, params: object];

/** The calls of a session list, a search box and a chat page; `n` counts, so that no two in a row are the same. */
function calls({ keys, words }: SessionDatabase): Record<string, Call> {
  const key = (n: number): string => keys[(n * 37) % keys.length]!;
  const titles = { includeDerivedTitles: true, includeLastMessage: true };
  const search = (query: string, more: object = {}): Call => {
    return () => ["sessions.search", { query, limit: 20, ...more }];
  };
  return {
    "list: first page": () => ["sessions.list", {}],
    "list: first page with titles": () => ["sessions.list", titles],
    "list: a later page": (n) => ["sessions.list", { limit: 100, offset: 100 * (n % 90) }],
    "list: last page by interaction": () => ["sessions.list", { sortBy: "lastInteractionAt", offset: 9000 }],
    "list: last page of an agent by activity": () => [
      "sessions.list",
      { agentId: "main", sortBy: "activity", offset: 9000 },
    ],
    "list: of an agent": () => ["sessions.list", { agentId: "main", limit: 50 }],
    "list: of a channel": () => ["sessions.list", { channel: "telegram", limit: 50 }],
    "list: children": () => ["sessions.list", { spawnedBy: "agent:main:session-1", limit: 50 }],
    "list: text in many": () => ["sessions.list", { search: "session" }],
    "list: text in one": (n) => ["sessions.list", { search: `session-${1000 + (n % 9000)}` }],
    "list: text in none": () => ["sessions.list", { search: "unheard of" }],
    "list: of the last hour": () => ["sessions.list", { activeMinutes: 60 }],
    "search: a word in most messages": search(words.common),
    "search: two common words": search(`${words.common} ${words.second}`),
    "search: two common words that never meet": search(`${words.common} a`),
    "search: a word in one of a hundred in the longest session": search(words.middling, { sessionKeys: [keys[0]!] }),
    "search: a common and a rare word": search(`${words.common} ${words.rare}`),
    "search: a word in one of a hundred": search(words.middling),
    "search: a rare word": search(words.rare),
    "search: a word in none": search("unheardof"),
    "search: a common word in one session": (n) => search(words.common, { sessionKeys: [key(n)] })(n),
    "search: a rare word in the longest session": search(words.rare, { sessionKeys: [keys[0]!] }),
    "search: a common word of an agent": search(words.common, { agentId: "main" }),
    "history: newest page of the longest session": () => ["chat.history", { sessionKey: keys[0]!, limit: 100 }],
    "history: far back in the longest session": (n) => [
      "sessions.history",
      { key: keys[0]!, limit: 100, offset: 100 * (n % 500) },
    ],
    "history: newest page of any session": (n) => ["chat.history", { sessionKey: key(n), limit: 100 }],
    "preview: a dozen sessions": (n) => [
      "sessions.preview",
      { keys: Array.from({ length: 12 }, (_, at) => key(n + at)) },
    ],
    "describe: any session": (n) => ["sessions.describe", { key: key(n) }],
    "resolve: by label": (n) => ["sessions.resolve", { label: `Label ${7 + 140 * (n % 70)}` }],
    "resolve: by key": (n) => ["sessions.resolve", { key: key(n) }],
  };
}

async function measure(
  { check, metric }: GateContext,
  client: TestClient,
  pid: number,
  database: SessionDatabase,
  times: number,
): Promise<void> {
  for (const [name, call] of Object.entries(calls(database))) {
    const limit = name.endsWith("never meet") ? MEETINGLESS_LIMIT_MS : LIMIT_MS;
    await check(`${name}: under ${limit} ms of processor time`, async () => {
      // The first calls prepare statements and warm what is compiled on use.
      for (let n = 0; n < 5; n++) await client.call(...call(n));
      const from = processorMs(pid);
      const started = performance.now();
      for (let n = 0; n < times; n++) await client.call(...call(n));
      const took = (performance.now() - started) / times;
      const used = (processorMs(pid) - from) / times;
      client.frames.length = 0;
      metric(`${name}: processor time`, round(used), "ms");
      metric(`${name}: answered in`, round(took), "ms");
      if (used > limit) throw new Error(`${round(used)} ms of processor time`);
    });
  }
}

/** What the process has used of the processor, in all its threads. Linux only; counted in hundredths of a second. */
function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** A text that is another one when a session is missing or anything was lost of a few of them. */
async function digest(client: TestClient, { keys }: SessionDatabase): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  const { totalCount, sessions } = await client.call("sessions.list", { archived: "all", limit: 10_000 });
  for (const { key, sessionId, updatedAt } of sessions) hash.update(`${key} ${sessionId} ${updatedAt}\n`);
  let messages = 0;
  for (let n = 0; n < keys.length; n += Math.ceil(keys.length / 50)) {
    const page = await client.call("sessions.history", { key: keys[n]!, limit: 1000 });
    messages += page.totalMessages;
    hash.update(JSON.stringify(page.messages));
  }
  client.frames.length = 0;
  return `${totalCount} sessions, ${messages} messages in some of them, ${hash.digest("hex").slice(0, 16)}`;
}

async function recorded({ metric }: GateContext, command: readonly string[]): Promise<void> {
  const models = startModelServer({ remember: 0 });
  using home = new GatewayHome(models.baseUrl);
  const gateway = await GatewayProcess.start(command, home);
  try {
    const cases = await readCases();
    const results = (
      await replay({ target: home, cases, records: await readRecords(), exceptions: await readExceptions() })
    ).filter(({ step }) => step.family === "sessions" || step.family === "routing");
    for (const [name, value] of Object.entries(tally(results))) metric(`recorded.${name}`, value, "cases");
    const differing = failures(results);
    if (differing.length > 0) throw new Error(differing.join("\n"));
  } finally {
    await gateway.end();
    await models.close();
  }
}

const round = (value: number): number => Number(value.toFixed(2));
