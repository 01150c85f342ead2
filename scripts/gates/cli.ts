import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "../../src/parity/gateway-process.ts";
import { startModelServer } from "../../src/parity/model-server.ts";
import { recordingConfig } from "../../src/parity/recording-config.ts";
import { GatewayProcess } from "../exercise/gateway-process.ts";
import type { Gate, GateContext } from "../gate/run.ts";
import { accessCommands } from "./cli/access-commands.ts";
import { automationCommands } from "./cli/automation-commands.ts";
import { chatCommands } from "./cli/chat-commands.ts";
import { gatewayCommands } from "./cli/gateway-commands.ts";
import { nodeCommands, stopNodeHosts } from "./cli/node-commands.ts";
import { settingCommands } from "./cli/setting-commands.ts";
import { type Commands, compareCommands, type Side } from "./cli/sides.ts";
import { UpstreamCli, withUpstreamGateway } from "./cli/upstream.ts";

const USAGE = `arguments of the gate:
  --upstream DIR   a folder where \`npm install openclaw\` was run
  --binary PATH    the executable, dist/chela unless told
  --alone          do not start a gateway of upstream to compare with
  --only TEXT      only commands that contain it`;

const TOKEN = "token-of-the-cli-gate-1234567890";

/** In this order: later commands see what earlier ones did. */
const COMMANDS: Commands = [
  ...gatewayCommands,
  ...chatCommands,
  ...automationCommands,
  ...accessCommands,
  ...settingCommands,
  ...nodeCommands,
];

export const gate: Gate = {
  name: "cli",
  summary:
    "An unmodified openclaw command line against the built executable, and beside it against upstream's own gateway",
  async run(context) {
    const { upstream, binary, alone, only } = parse(context);
    const home = mkdtempSync(join(tmpdir(), "chela-cli-"));
    const model = startModelServer();
    const [ours, theirs] = ["chela", "upstream"].map((name) =>
      makeSide(name, { home, upstream, model: model.baseUrl }),
    );
    const commands = COMMANDS.filter(([name]) => only === undefined || name.includes(only));
    try {
      const gateway = await context.step("start", () =>
        GatewayProcess.start([binary, "gateway", "run"], { env: { HOME: ours!.gatewayHome, PATH: "/usr/bin:/bin" } }),
      );
      try {
        context.log(await ours!.cli.text("--version"));
        if (alone) await compareCommands(context, commands, ours!);
        else await withUpstreamGateway(upstream, theirs!, () => compareCommands(context, commands, ours!, theirs!));
      } finally {
        await stopNodeHosts();
        await gateway.stop();
      }
    } finally {
      await model.close();
      rmSync(home, { recursive: true, force: true });
    }
  },
};

function parse({ args, root }: GateContext) {
  const value = (name: string): string | undefined => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args[at + 1];
  };
  const upstream = value("--upstream");
  if (upstream === undefined) throw new Error(`which openclaw?\n${USAGE}`);
  const binary = resolve(value("--binary") ?? join(root, "dist", "chela"));
  if (!existsSync(binary)) throw new Error(`${binary} is not there; run \`npm run build\` first`);
  return { upstream: resolve(upstream), binary, alone: args.includes("--alone"), only: value("--only") };
}

/** A gateway's home with its configuration, and a home of the command line that points to it. */
function makeSide(name: string, { home, upstream, model }: { home: string; upstream: string; model: string }): Side {
  const port = freePort();
  const folder = join(home, name);
  const config = recordingConfig(model, { port, token: TOKEN });
  const gateway = config.gateway as object;
  const page = join(upstream, "node_modules", "openclaw", "dist", "control-ui");
  const logging = { file: join(folder, "gateway.log") };
  writeConfig(join(folder, "gateway"), { ...config, gateway: { ...gateway, controlUi: { root: page } }, logging });
  writeConfig(join(folder, "client"), { gateway: { mode: "local", port, auth: { mode: "token", token: TOKEN } } });
  return {
    name,
    port,
    token: TOKEN,
    folder,
    gatewayHome: join(folder, "gateway"),
    cli: new UpstreamCli(upstream, join(folder, "client")),
    kept: new Map(),
  };
}

function writeConfig(home: string, config: object): void {
  mkdirSync(join(home, ".openclaw"), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, ".openclaw", "openclaw.json"), JSON.stringify(config), { mode: 0o600 });
}
