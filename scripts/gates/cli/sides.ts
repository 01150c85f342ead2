import type { GateContext } from "../../gate/run.ts";
import { differences } from "./differences.ts";
import type { UpstreamCli } from "./upstream.ts";

/** A gateway with the command line that talks to it. */
export interface Side {
  name: string;
  port: number;
  token: string;
  /** Where everything of it lies. */
  folder: string;
  gatewayHome: string;
  cli: UpstreamCli;
  /** What commands keep for later ones, such as ids. */
  kept: Map<string, string>;
}

/**
 * What a command does on a side: it checks what must be so anyway, and returns what must be the same on both, or nothing.
 * @throws Error when something is not as it must be
 */
export type Command = (cli: UpstreamCli, side: Side) => Promise<unknown>;

export type Commands = readonly (readonly [name: string, command: Command])[];

/**
 * Runs every command against our gateway and, where there is one, against upstream's: both must pass, with the same
 * outcome but for what differs from run to run.
 */
export async function compareCommands(
  context: GateContext,
  commands: Commands,
  ours: Side,
  theirs?: Side,
): Promise<void> {
  for (const [name, command] of commands) {
    await context.check(`openclaw ${name}`, async () => {
      const got = await command(ours.cli, ours);
      if (theirs === undefined) return;
      const expected = await command(theirs.cli, theirs).catch((error: Error) => {
        throw new Error(`upstream's own gateway: ${error.message}`);
      });
      const found = differences(expected, got, { expected: theirs, got: ours });
      if (found.length > 0) throw new Error(`other than upstream:\n  ${found.join("\n  ")}`);
    });
  }
  context.metric("commands", commands.length, "commands");
}

export function must(condition: unknown, what: unknown): asserts condition {
  if (!condition) throw new Error(typeof what === "string" ? what : String(JSON.stringify(what)).slice(0, 800));
}

/** Of an object only these fields. */
export function only<T extends object>(value: T, ...names: (keyof T & string)[]): Partial<T> {
  return Object.fromEntries(names.map((name) => [name, value[name]])) as Partial<T>;
}

/** Of an object all but these fields. */
export function without<T extends object>(value: T, ...names: string[]): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name))) as Partial<T>;
}
