import type { DefenderPort } from "../../defender/types.ts";
import type { ToolContext, ToolResult } from "../types.ts";
import type { ExecCall } from "./exec-args.ts";
import { ExecRefusal } from "./results.ts";
import type { ExecSettings } from "./settings.ts";
import { shellOf } from "./shell.ts";

/** A command that is about to be started on this machine. */
export interface ExecRequest {
  call: ExecCall;
  /** Absolute. */
  cwd: string;
  env: Record<string, string>;
  settings: ExecSettings;
  context: ToolContext;
}

/** What is started, or what the model is told instead. */
export type Permit = { argv: readonly string[] } | { denied: ToolResult };

export interface GatekeeperDeps {
  defender: Pick<DefenderPort, "judge">;
}

/** Decides whether a command is started: the configured policy first, then the defender. */
export class Gatekeeper {
  constructor(private readonly deps: GatekeeperDeps) {}

  /** @throws ExecRefusal */
  async permit({ call, cwd, env, settings, context }: ExecRequest): Promise<Permit> {
    const { security, ask } = settings;
    if (security === "deny") throw new ExecRefusal("exec denied: host=gateway security=deny");
    if (security === "allowlist") throw new ExecRefusal("exec denied: allowlist miss");
    if (ask === "always" || call.ask === "always") throw new ExecRefusal("exec denied: nobody can be asked");
    const { origin, agentId, sessionKey, runId, channel } = context;
    const { verdict, findings } = await this.deps.defender.judge(
      { kind: "command", command: call.command, cwd, env: call.env, host: "gateway" },
      { origin, agentId, sessionKey, runId, ...(channel && { channel }) },
    );
    if (verdict !== "allow") throw new ExecRefusal(`exec denied by the defender: ${findings[0]?.reason ?? verdict}`);
    return { argv: [shellOf(env), "-c", call.command] };
  }
}
