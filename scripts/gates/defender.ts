import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startModelServer } from "../../src/parity/model-server.ts";
import type { Gate, GateContext } from "../gate/run.ts";
import { checkAttestation } from "./defender/attestation.ts";
import { checkBundles } from "./defender/bundles.ts";
import { measureData, measureSpeed } from "./defender/figures.ts";
import { checkRealPath } from "./defender/real-path.ts";
import { checkRecords } from "./defender/records.ts";
import { DefenderTarget } from "./defender/target.ts";

const USAGE = `arguments of the gate:
  --binary PATH  the executable, dist/chela unless told
  --data PATH    labelled texts as JSON lines, measured with chela defend eval; may be given several times`;

export const gate: Gate = {
  name: "defender",
  summary: "The defender of the built executable: figures, the real path, records, bundles, attestation, speed",
  async run(context) {
    const { args } = context;
    const isKnown = (word: string, at: number) =>
      ["--binary", "--data"].includes(word) || ["--binary", "--data"].includes(args[at - 1] ?? "");
    const unknown = args.find((word, at) => !isKnown(word, at));
    if (unknown !== undefined) throw new Error(`${unknown} is no argument\n${USAGE}`);
    const binary = await executable(context);
    await measureData(context, binary, valuesOf(args, "--data"));
    await measureSpeed(context);
    await withTarget(context, binary);
  },
};

async function withTarget(context: GateContext, binary: string): Promise<void> {
  const models = startModelServer({ remember: 0 });
  using target = new DefenderTarget(binary, models.baseUrl);
  try {
    await context.step("start", () => target.start());
    await checkRealPath(context, target);
    await checkRecords(context, target);
    await checkAttestation(context, target);
    await checkBundles(context, target);
  } finally {
    await target.stop();
    writeFileSync(join(context.out, "gateway-output.log"), target.output);
    await models.close();
  }
}

async function executable({ root, args, step, exec }: GateContext): Promise<string> {
  const [given] = valuesOf(args, "--binary");
  if (given !== undefined) {
    if (!existsSync(given)) throw new Error(`there is no ${given}`);
    return given;
  }
  await step("build", () => exec([process.execPath, "scripts/build.ts", "--if-stale"]));
  return join(root, "dist", "chela");
}

const valuesOf = (args: readonly string[], name: string): string[] =>
  args.flatMap((word, at) => (args[at - 1] === name ? [word] : []));
