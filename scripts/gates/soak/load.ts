import { writeFileSync } from "node:fs";
import { randomFrom } from "../../../src/parity/kill/random.ts";
import type { Stage } from "./actors.ts";
import { churner, follower, httpCaller, nodeHost, nodeInvoker, slowReader, vandal } from "./crowd.ts";
import { Ledger } from "./ledger.ts";
import { verify } from "./verify.ts";
import { approvalWriter, chatWriter, cronWriter, sessionWriter } from "./writers.ts";

/** What the gate tells the load, a line of JSON each. */
export type Order =
  | { kind: "hold"; on: boolean }
  /** No new acts; those under way end. */
  | { kind: "stop" }
  | { kind: "verify" };

/** What the load answers. */
export type Report =
  | { kind: "counts"; counts: Record<string, number>; acknowledged: number; problems: [string, number][] }
  | { kind: "stopped" }
  | { kind: "verified"; problems: string[]; checked: number };

/** usage: bun load.ts URL TOKEN CLIENTS SEED LEDGER: the load of the gate soak, in a process of its own. */
const [url = "", token = "", clients = "500", seed = "1", ledgerFile = ""] = process.argv.slice(2);
const total = Number(clients);
const ledger = new Ledger();
let isOn = true;
let held: { promise: Promise<void>; resolve(): void } | undefined;

const stage: Stage = {
  target: { url, token },
  ledger,
  isOn: () => isOn,
  random: randomFrom(Number(seed)),
  async pause(ms) {
    for (const end = Date.now() + ms; isOn && Date.now() < end; ) await Bun.sleep(Math.min(1000, end - Date.now()));
    while (held !== undefined) await held.promise;
  },
};

/** Milliseconds between the acts of one actor; together about 25 requests a second and two turns. */
const acting = [
  ...Array.from({ length: 4 }, (_, index) => chatWriter(stage, `c${index}`, 2000)),
  sessionWriter(stage, "s0", 1500),
  cronWriter(stage, "j0", 2500),
  approvalWriter(stage, "a0", 2000),
  ...Array.from({ length: 4 }, (_, index) => nodeHost(stage, `soak-node-${index}`)),
  nodeInvoker(stage, 700),
  httpCaller(stage, 500),
  vandal(stage, 2000),
  ...Array.from({ length: 8 }, () => slowReader(stage, false)),
  slowReader(stage, true),
  ...Array.from({ length: Math.floor(total * 0.2) }, () => churner(stage, 30_000)),
  ...Array.from({ length: Math.floor(total * 0.8) - 20 }, (_, index) => follower(stage, index, 40_000)),
];

const send = (report: Report): void => {
  process.send?.(report);
};

process.on("message", async (order: Order) => {
  if (order.kind === "hold") {
    held?.resolve();
    held = order.on ? Promise.withResolvers<void>() : undefined;
  } else if (order.kind === "stop") {
    isOn = false;
    held?.resolve();
    held = undefined;
    await Promise.race([Promise.allSettled(acting), Bun.sleep(20_000)]);
    send({ kind: "stopped" });
  } else {
    const { problems, checked } = await verify(stage.target, ledger).catch((error) => ({
      problems: [`the check could not be done: ${error}`],
      checked: 0,
    }));
    writeFileSync(ledgerFile, JSON.stringify({ turns: [...ledger.turns], jobs: [...ledger.jobs] }));
    send({ kind: "verified", problems, checked });
  }
});
// The gate is gone: nobody waits for this any more.
process.on("disconnect", () => process.exit(1));

setInterval(() => {
  const { counts, acknowledged, problems } = ledger;
  send({ kind: "counts", counts, acknowledged, problems: [...problems] });
}, 1000);
