import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { GateContext } from "../../gate/run.ts";
import { must } from "./walk.ts";

/** The command line of 2026.2.17, which speaks wire version 3, in a home of its own. */
export async function checkFebruaryCli(
  context: GateContext,
  {
    folder,
    upstream,
    home,
    port,
    token,
  }: { folder: string; upstream: string; home: string; port: number; token: string },
): Promise<void> {
  const command = join(folder, "node_modules", ".bin", "openclaw");
  if (!existsSync(command)) throw new Error(`${command} is not there`);
  mkdirSync(join(home, ".openclaw"), { recursive: true, mode: 0o700 });
  const config = { gateway: { mode: "local", port, auth: { mode: "token", token } } };
  writeFileSync(join(home, ".openclaw", "openclaw.json"), JSON.stringify(config), { mode: 0o600 });
  // A Node that is installed beside the newer one serves both.
  const node = join(upstream, "node_modules", "node", "bin");
  const env = { HOME: home, NO_COLOR: "1", PATH: [node, dirname(command), process.env.PATH].join(":") };
  const run = async (...words: string[]): Promise<string> => {
    const child = Bun.spawn([command, ...words], {
      env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: 120_000,
    });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    const code = await child.exited;
    context.log(`openclaw ${words.join(" ")} ended with ${code}`);
    must(code === 0, `openclaw ${words.join(" ")} ended with ${code}: ${(err || out).trim()}`);
    return out.trim();
  };
  const json = async (...words: string[]) => JSON.parse(await run(...words, "--json"));

  const checks: Readonly<Record<string, () => Promise<void>>> = {
    "--version": async () => must((await run("--version")).includes("2026.2.17"), "another version"),
    "gateway call health": async () => must((await json("gateway", "call", "health")).ok, "not ok"),
    health: async () => must((await run("health")).includes("Agents: main (default)"), "no agents"),
    "agent --message": async () => {
      const text = await run("agent", "--agent", "main", "--message", "hi from february");
      must(text.includes("echo: hi from february"), text);
    },
    "gateway call sessions.list": async () => {
      const { sessions } = await json("gateway", "call", "sessions.list");
      must(
        sessions.some(({ key }: { key: string }) => key === "agent:main:main"),
        JSON.stringify(sessions),
      );
    },
    "gateway call chat.history": async () => {
      const { messages } = await json("gateway", "call", "chat.history", "--params", '{"sessionKey":"main"}');
      must(JSON.stringify(messages).includes("echo: hi from february"), "the message is not in it");
    },
    status: async () => must(/reachable/.test(await run("status")), "not reachable"),
    "gateway status": async () => must((await json("gateway", "status")).rpc.ok, "no answer"),
    "cron status": async () => must((await json("cron", "status")).enabled === true, "not enabled"),
    "devices list": async () => must(Array.isArray((await json("devices", "list")).paired), "no list"),
  };
  for (const [name, check] of Object.entries(checks)) await context.check(`openclaw 2026.2.17 ${name}`, check);
}
