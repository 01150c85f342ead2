import { join } from "node:path";
import type { GatewayHome } from "../../../src/parity/gateway-process.ts";
import type { Order, Report } from "./load.ts";
import { cpuSeconds } from "./measure.ts";

interface LoadOptions {
  clients: number;
  seed: number;
  /** Where the ledger is written in the end. */
  ledger: string;
}

const STOP_MS = 60_000;
const VERIFY_MS = 240_000;

/** The process that makes the load, as the gate sees it. */
export class LoadProcess {
  counts: Record<string, number> = {};
  problems: [string, number][] = [];
  acknowledged = 0;
  private readonly startedMs = Date.now();
  private share = 0;
  private readonly waiting = new Map<Report["kind"], (report: Report) => void>();

  private constructor(private child: Bun.Subprocess) {}

  static start({ url, token }: GatewayHome, { clients, seed, ledger }: LoadOptions): LoadProcess {
    const script = join(import.meta.dir, "load.ts");
    const load: LoadProcess = new LoadProcess(
      Bun.spawn([process.execPath, script, url, token, String(clients), String(seed), ledger], {
        stdin: "ignore",
        stdout: "inherit",
        stderr: "inherit",
        ipc: (report: Report) => load.take(report),
      }),
    );
    return load;
  }

  /** Holds the acts of all clients, so that the gateway comes to rest, or lets them go on. */
  hold(on: boolean): void {
    this.order({ kind: "hold", on });
  }

  /** Ends the acts. Resolves when those under way have ended. */
  async stop(): Promise<void> {
    this.cpuShare();
    const stopped = this.report("stopped", STOP_MS);
    this.order({ kind: "stop" });
    await stopped;
    await Bun.sleep(1500);
  }

  /** Has everything that was acknowledged looked for. */
  async verify(): Promise<{ problems: string[]; checked: number }> {
    const verified = this.report("verified", VERIFY_MS);
    this.order({ kind: "verify" });
    return (await verified) as Extract<Report, { kind: "verified" }>;
  }

  /** Of one core, since its start. */
  cpuShare(): number {
    try {
      this.share = cpuSeconds(this.child.pid) / ((Date.now() - this.startedMs) / 1000);
    } catch {
      // It has ended: what was known before stands.
    }
    return this.share;
  }

  summary(): string {
    const { acknowledged, counts, problems } = this;
    const { turns = 0, churned = 0, invokes = 0 } = counts;
    return `${acknowledged} writes, ${turns} turns, ${churned} churned, ${invokes} invokes, ${problems.length} problems`;
  }

  async end(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }

  private order(order: Order): void {
    this.child.send(order);
  }

  private take(report: Report): void {
    if (report.kind === "counts") Object.assign(this, { ...report, kind: undefined });
    else this.waiting.get(report.kind)?.(report);
  }

  private report(kind: Report["kind"], withinMs: number): Promise<Report> {
    const { promise, resolve, reject } = Promise.withResolvers<Report>();
    const timer = setTimeout(() => reject(new Error(`the load did not say ${kind}`)), withinMs);
    void this.child.exited.then(() => reject(new Error("the load has ended by itself")));
    promise.catch(() => {});
    this.waiting.set(kind, (report) => {
      clearTimeout(timer);
      resolve(report);
    });
    return promise;
  }
}
