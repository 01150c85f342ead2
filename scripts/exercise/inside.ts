import { chownSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../src/parity/gateway-process.ts";
import { startModelServer } from "../../src/parity/model-server.ts";
import { OFFICIAL_CHECKS } from "../../src/parity/official-checks.ts";
import type { GateContext } from "../gate/run.ts";
import { configFor, connectTo } from "./chat.ts";
import { GatewayProcess, type ProcessOptions } from "./gateway-process.ts";

/** A place other than this machine's own system in which the executable runs: a container, a root of another release. */
export interface Place extends ProcessOptions {
  /** Words that start the executable there. */
  command: readonly string[];
  /** Words that start the gateway there, without a port. */
  gateway: readonly string[];
  /** The state directory, as this machine sees it. */
  stateDir: string;
  /** Who owns what is put into it. */
  owner?: { uid: number; gid: number };
}

/** What must work wherever the executable is said to run. */
export async function exercise(context: GateContext, place: Place): Promise<void> {
  const run = (...words: string[]) => context.exec([...place.command, ...words], { env: place.env });
  await context.check("says its version", async () => {
    const said = await run("--version");
    if (!/^Chela \d+\.\d+\.\d+ /.test(said)) throw new Error(said);
  });
  await context.check("loads every chunk", async () => {
    const [, loaded, all] = /^(\d+) of (\d+) chunks/m.exec(await run("debug", "load-chunks")) ?? [];
    if (loaded !== all || Number(all) < 5) throw new Error(`${loaded} of ${all} chunks`);
  });
  await context.check("starts without a config, and again with what it stored", () => firstStart(context, place));
  await context.step("serves the official client", () => officialClient(context, place));
}

/** The port comes last and so wins; listening beyond loopback is not for a test. */
function start(place: Place, port: number): Promise<GatewayProcess> {
  return GatewayProcess.start([...place.gateway, "--bind", "loopback", "--port", String(port)], place);
}

async function firstStart(context: GateContext, place: Place): Promise<void> {
  const port = freePort();
  const first = await start(place, port);
  let token: string | undefined;
  try {
    token = first.printedToken;
    if (token === undefined) throw new Error(`no token was printed:\n${first.output}`);
    context.metric("start to listening", Math.round(first.startMs), "ms");
    context.metric("resident memory at start", Math.round((await first.residentBytes()) / 1e6), "MB");
    await context.exec([...place.command, "gateway", "health", "--live", "--port", String(port)], { env: place.env });
    await context.exec([...place.command, "gateway", "health", "--port", String(port)], { env: place.env });
  } finally {
    const code = await first.stop();
    if (code !== 0) context.log(`the first start ended with ${code}:\n${first.output}`);
  }
  const second = await start(place, port);
  let code: number;
  try {
    if (second.printedToken !== undefined) throw new Error("a second token was made");
    await (await connectTo(second.url, token)).stop();
  } finally {
    code = await second.stop();
  }
  if (code !== 0) throw new Error(`SIGTERM ended it with ${code}:\n${second.output}`);
}

async function officialClient(context: GateContext, place: Place): Promise<void> {
  const model = startModelServer();
  const token = "token-of-the-gate-1234567890";
  const port = freePort();
  writeState(place, JSON.stringify(configFor(model.baseUrl, { auth: { mode: "token", token } })));
  let gateway = await start(place, port);
  const restart = async (): Promise<void> => {
    await gateway.stop();
    gateway = await start(place, port);
  };
  try {
    for (const [name, check] of Object.entries(OFFICIAL_CHECKS)) {
      await context.check(`official client: ${name}`, () => check({ url: gateway.url, token, restart }));
    }
  } finally {
    await gateway.stop();
    await model.close();
  }
}

function writeState({ stateDir, owner }: Place, config: string): void {
  const file = join(stateDir, "openclaw.json");
  // The directory itself may be mounted into the place, so only what is in it goes.
  for (const name of readdirSync(stateDir)) rmSync(join(stateDir, name), { recursive: true });
  writeFileSync(file, config, { mode: 0o600 });
  if (owner !== undefined) chownSync(file, owner.uid, owner.gid);
}
