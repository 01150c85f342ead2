import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "../../src/parity/gateway-process.ts";
import { startModelServer } from "../../src/parity/model-server.ts";
import { configFor } from "../exercise/chat.ts";
import { GatewayProcess } from "../exercise/gateway-process.ts";
import type { Gate, GateContext } from "../gate/run.ts";
import { launch, WatchedPage } from "./control/browser.ts";
import { walkFebruary } from "./control/february.ts";
import { checkFebruaryCli } from "./control/february-cli.ts";
import { checkGatewayUrl } from "./control/gateway-url.ts";
import { type Walk, walkCurrent } from "./control/walk.ts";

const USAGE = `arguments of the gate:
  --upstream DIR    a folder where \`npm install openclaw\` was run
  --february DIR    the same with openclaw@2026.2.17; without it that part is skipped
  --chromium PATH   a Chromium, /usr/bin/chromium unless told
  --binary PATH     the executable, dist/chela unless told`;

const TOKEN = "token-of-the-control-gate-1234567890";
const PAGE = join("node_modules", "openclaw", "dist", "control-ui");

export const gate: Gate = {
  name: "control",
  summary: "Upstream's unmodified web pages and February's command line against the built executable",
  async run(context) {
    const { upstream, february, chromium, binary } = parse(context);
    const browser = await context.step("start the browser", () => launch(chromium));
    try {
      const walks: [string, string, (walk: Walk) => Promise<void>][] = [
        ["2026.9.6", join(upstream, PAGE), walkCurrent],
        ...(february
          ? ([["2026.2.17", join(february, PAGE), walkFebruary]] as [string, string, typeof walkFebruary][])
          : []),
      ];
      for (const [version, root, walk] of walks) {
        await withGateway(context, { binary, root, version }, async ({ port, home }) => {
          const page = await browser.newContext({
            viewport: { width: 1400, height: 1000 },
            reducedMotion: "reduce",
            // What nobody has allowed is shown as an error.
            permissions: ["notifications"],
          });
          const watched = await WatchedPage.open(page);
          const here = { context, watched, origin: `http://127.0.0.1:${port}`, token: TOKEN };
          await walk(here);
          if (walk === walkCurrent) await checkGatewayUrl(here);
          await page.close();
          if (walk === walkFebruary && february) {
            const place = { folder: february, upstream, home: join(home, "client"), port, token: TOKEN };
            await checkFebruaryCli(context, place);
          }
        });
      }
    } finally {
      await browser.close();
    }
    if (!february) context.skip("2026.2.17", "no folder with it was named");
  },
};

function parse({ args, root }: GateContext) {
  const value = (name: string): string | undefined => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args[at + 1];
  };
  const there = (path: string, what: string): string => {
    if (!existsSync(path)) throw new Error(`${path} is not there: ${what}\n${USAGE}`);
    return path;
  };
  const named = value("--upstream");
  if (named === undefined) throw new Error(`which openclaw?\n${USAGE}`);
  const upstream = resolve(named);
  const february = value("--february");
  there(join(upstream, PAGE), "upstream's page");
  if (february !== undefined) there(join(resolve(february), PAGE), "February's page");
  return {
    upstream,
    february: february === undefined ? undefined : resolve(february),
    chromium: there(value("--chromium") ?? "/usr/bin/chromium", "a browser"),
    binary: there(resolve(value("--binary") ?? join(root, "dist", "chela")), "run `npm run build` first"),
  };
}

/** Runs the executable with a model server behind it and the page's folder, as long as the work takes. */
async function withGateway(
  context: GateContext,
  { binary, root, version }: { binary: string; root: string; version: string },
  work: (running: { port: number; home: string }) => Promise<void>,
): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), "chela-control-"));
  const model = startModelServer();
  const port = freePort();
  const auth = { mode: "token", token: TOKEN } as const;
  const config = configFor(model.baseUrl, { port, auth, controlUi: { root } });
  mkdirSync(join(home, ".openclaw"), { recursive: true, mode: 0o700 });
  writeFileSync(
    join(home, ".openclaw", "openclaw.json"),
    JSON.stringify({
      ...config,
      // Switched off, so that nobody calls its service.
      channels: { telegram: { enabled: false, botToken: "1:of-the-gate" } },
      logging: { file: join(home, "gateway.log") },
    }),
    { mode: 0o600 },
  );
  try {
    const gateway = await context.step(`start the gateway with the page of ${version}`, () =>
      GatewayProcess.start([binary, "gateway", "run"], {
        env: { HOME: home, PATH: process.env.PATH ?? "/usr/bin:/bin" },
      }),
    );
    try {
      await work({ port, home });
    } finally {
      await gateway.stop();
    }
  } finally {
    await model.close();
    rmSync(home, { recursive: true, force: true });
  }
}
