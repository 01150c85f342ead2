import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { startModelServer } from "../../src/parity/model-server.ts";
import type { Gate, GateContext } from "../gate/run.ts";
import { runAttackTests } from "./hardening/attack-tests.ts";
import { probeHttp } from "./hardening/http-probes.ts";
import { findSecrets, readEverything } from "./hardening/secrets.ts";
import { probeSockets } from "./hardening/socket-probes.ts";
import { HardeningTarget, must } from "./hardening/target.ts";

const USAGE = `arguments of the gate:
  --binary PATH  the executable, dist/chela unless told
  --probes       the probes of the executable alone, without the tests of the known attacks`;

export const gate: Gate = {
  name: "hardening",
  summary: "Every test of a known attack, and floods, bombs, climbs and guesses against the built executable",
  async run(context) {
    const { args, check } = context;
    const unknown = args.find(
      (each, index) => !["--binary", "--probes"].includes(each) && args[index - 1] !== "--binary",
    );
    if (unknown !== undefined) throw new Error(`${unknown} is no argument\n${USAGE}`);
    if (!args.includes("--probes")) await check("tests of the known attacks", () => runAttackTests(context));
    await probe(context, await executable(context));
  },
};

async function executable({ root, args, step, exec }: GateContext): Promise<string> {
  const at = args.indexOf("--binary");
  if (at >= 0) return args[at + 1] ?? "";
  await step("build", () => exec([process.execPath, "scripts/build.ts", "--if-stale"]));
  return join(root, "dist", "chela");
}

async function probe(context: GateContext, binary: string): Promise<void> {
  const { step, check, metric, out } = context;
  const models = startModelServer({ remember: 0 });
  using target = new HardeningTarget([binary], models.baseUrl);
  try {
    await step("start", () => target.start());
    await check("a config file and a state directory that others can read are spoken of or closed", async () => {
      // The log is written in the background.
      await Bun.sleep(500);
      const isOpen = (path: string): boolean => (statSync(path).mode & 0o077) !== 0;
      const log = readFileSync(target.home.logFile, "utf8");
      const paths = {
        "state directory": target.home.stateDir,
        "config file": join(target.home.stateDir, "openclaw.json"),
      };
      for (const [name, path] of Object.entries(paths)) {
        must(!isOpen(path) || new RegExp(`other users of this machine can .*${name}`).test(log), `the ${name} is open`);
      }
      must(!isOpen(join(target.home.stateDir, "chela.sqlite")), "others can read the database");
    });
    await probeSockets(context, target);
    await probeHttp(context, target);
    await check("no secret in answers, events, logs or the database", async () => {
      metric("secrets.reads-answered", await readEverything(target), "methods");
      await target.stop();
      const { bytes } = findSecrets(target);
      metric("secrets.searched", Math.round(bytes / 1024), "KiB");
      await target.start();
    });
    await check("after all of this it serves and ends as it should", async () => {
      await target.mustServe();
      metric("memory.end", Math.round(target.memory), "MiB");
    });
  } finally {
    await target.stop();
    await Bun.write(join(out, "gateway-output.log"), target.output);
    await models.close();
  }
}
