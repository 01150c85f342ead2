import type { ConnectSpec } from "../../../src/parity/cases.ts";
import type { Target } from "../../../src/parity/connection.ts";
import { Refused, SoakClient, Unanswered } from "./client.ts";
import type { Ledger } from "./ledger.ts";

/** What every actor of the load has. */
export interface Stage {
  target: Target;
  ledger: Ledger;
  /** The load goes on. */
  isOn(): boolean;
  /** Waits while the load is held so that memory can be measured, then about so long. */
  pause(ms: number): Promise<void>;
  random(): number;
}

/** Refusals that a gateway may give at any time: it starts, stops, or has too much to do. */
const EXCUSED = new Set(["UNAVAILABLE"]);

/**
 * Does the act on a connection again and again; connects anew when it is lost. What is refused without an excuse is a
 * problem.
 */
export async function perform(
  stage: Stage,
  spec: ConnectSpec,
  act: (client: SoakClient) => Promise<void>,
  begin: (client: SoakClient) => Promise<void> = async () => {},
): Promise<void> {
  await stage.pause(stage.random() * 4000);
  while (stage.isOn()) {
    try {
      const client = await SoakClient.open(stage.target, spec);
      stage.ledger.count("connects");
      try {
        await begin(client);
        while (stage.isOn() && !client.isClosed) await act(client);
      } finally {
        client.close();
      }
    } catch (error) {
      note(stage.ledger, error);
      await stage.pause(500 + stage.random() * 6000);
    }
  }
}

/** Writes down what is not excused. */
export function note(ledger: Ledger, error: unknown): void {
  if (error instanceof Unanswered) {
    ledger.count("unanswered");
    if (/no answer in/.test(error.message)) ledger.problem(error.message);
  } else if (error instanceof Refused && EXCUSED.has(error.error.code)) ledger.count("excused");
  else ledger.problem(String(error));
}
