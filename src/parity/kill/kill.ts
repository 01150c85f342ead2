import type { Target } from "../connection.ts";
import { GatewayHome, GatewayProcess } from "../gateway-process.ts";
import { startModelServer } from "../model-server.ts";
import { Ledger } from "./ledger.ts";
import { writeUntilDead } from "./load.ts";
import { randomFrom } from "./random.ts";
import { brokenPromises, databaseProblems } from "./verify.ts";

export interface KillOptions {
  /** The words of the executable, for instance `["dist/chela"]`. */
  command: readonly string[];
  rounds: number;
  /** Decides when the gateway is killed. */
  seed: number;
  writers?: number;
  /** Told what each round did. */
  progress?(line: string): void;
}

export interface KillOutcome {
  rounds: number;
  /** Writes that were acknowledged before a kill, and found after it. */
  acknowledged: number;
  /** What was lost, torn or done twice; empty when all promises were kept. */
  problems: string[];
}

/** Milliseconds of load before the kill. */
const SHORTEST_LIFE = 20;
const LONGEST_LIFE = 1200;

/**
 * Kills a gateway under write load at random moments with a signal that it cannot catch, starts it again on the same
 * state, and looks for everything that it had acknowledged.
 */
export async function killRounds(options: KillOptions): Promise<KillOutcome> {
  const { command, rounds, seed, writers = 2, progress = () => {} } = options;
  const random = randomFrom(seed);
  const models = startModelServer({ remember: 0 });
  using home = new GatewayHome(models.baseUrl);
  const outcome: KillOutcome = { rounds: 0, acknowledged: 0, problems: [] };
  let gateway = await GatewayProcess.start(command, home);
  try {
    for (let round = 0; round < rounds; round++) {
      const life = SHORTEST_LIFE + random() * (LONGEST_LIFE - SHORTEST_LIFE);
      const ledger = await killUnderLoad(gateway, home, { round, life, writers });
      outcome.problems.push(...databaseProblems(home.stateDir));
      gateway = await GatewayProcess.start(command, home);
      outcome.problems.push(...ledger.refusals, ...(await brokenPromises(home, ledger)));
      outcome.rounds++;
      outcome.acknowledged += ledger.acknowledged;
      progress(`round ${round}: killed after ${Math.round(life)} ms, ${ledger.acknowledged} writes acknowledged`);
    }
  } finally {
    await gateway.end();
    await models.close();
  }
  return outcome;
}

async function killUnderLoad(
  gateway: GatewayProcess,
  target: Target,
  { round, life, writers }: { round: number; life: number; writers: number },
): Promise<Ledger> {
  const ledger = new Ledger();
  const load = Array.from({ length: writers }, (_, writer) => writeUntilDead(target, ledger, round, writer));
  await Bun.sleep(life);
  await gateway.end("SIGKILL");
  await Promise.allSettled(load);
  return ledger;
}
