import type { CronAddParams, CronUpdateParams } from "../../../generated/types.ts";
import type { Cron } from "../../cron/cron.ts";
import { fillIn, fillInPatch } from "../../cron/normalise.ts";
import type { DefenderPort } from "../../defender/types.ts";
import { dict } from "../../models/settings.ts";
import { GatewayError } from "../../platform/errors.ts";
import { validateParams } from "../../protocol/validate.ts";
import { jsonResult, type Tool, type ToolContext, ToolError, type ToolResult } from "../types.ts";

interface AutomationsDeps {
  cron: Cron;
  defender: Pick<DefenderPort, "screen">;
}

const SCHEDULE = {
  type: "object",
  properties: {
    kind: { type: "string", enum: ["at", "every", "cron"] },
    at: { type: "string", description: "at: ISO 8601; without a zone it is UTC." },
    everyMs: { type: "integer", minimum: 1 },
    anchorMs: { type: "integer", minimum: 0 },
    expr: { type: "string", description: "cron: wall time in tz." },
    tz: { type: "string", description: "IANA name." },
  },
  required: ["kind"],
  additionalProperties: false,
};

const PAYLOAD = {
  type: "object",
  properties: {
    kind: { type: "string", enum: ["agentTurn", "systemEvent"] },
    message: { type: "string", description: "agentTurn: what the agent is told to do." },
    text: { type: "string", description: "systemEvent: the note." },
    model: { type: "string" },
    thinking: { type: "string" },
    timeoutSeconds: { type: "integer", minimum: 0 },
  },
  required: ["kind"],
  additionalProperties: false,
};

/** What an agent may say of a job. Commands, scripts and addresses outside are for people to set (KNOWN_ATTACKS 43). */
const JOB = {
  type: "object",
  properties: {
    name: { type: "string" },
    description: { type: "string" },
    enabled: { type: "boolean" },
    deleteAfterRun: { type: "boolean" },
    schedule: SCHEDULE,
    payload: PAYLOAD,
    sessionTarget: {
      type: "string",
      description: "main (needs systemEvent), isolated, current, or session:<key>.",
    },
    wakeMode: { type: "string", enum: ["now", "next-heartbeat"] },
    delivery: {
      type: "object",
      properties: {
        mode: { type: "string", enum: ["none", "announce"] },
        channel: { type: "string" },
        to: { type: "string" },
      },
      required: ["mode"],
      additionalProperties: false,
    },
  },
  additionalProperties: false,
};

const ACTIONS = ["status", "list", "get", "add", "update", "remove", "run", "runs", "wake", "next_check"] as const;

/** `automations`: the scheduler, as far as an agent may steer it. Owners alone have it. */
export function automationsTool(deps: AutomationsDeps): Tool {
  return {
    name: "automations",
    description:
      'Plans reminders and recurring work: status, list, get (jobId), add (job with schedule and payload), update (jobId, job with what changes), remove (jobId), run (jobId, now), runs (jobId), wake (text, mode "now" or "next-heartbeat"), next_check (in: when the job that this run belongs to looks again). Use it instead of sleeping or polling.',
    parameters: {
      type: "object",
      properties: {
        action: { type: "string", enum: [...ACTIONS] },
        jobId: { type: "string" },
        job: JOB,
        includeDisabled: { type: "boolean" },
        limit: { type: "integer", minimum: 1, maximum: 100 },
        offset: { type: "integer", minimum: 0 },
        text: { type: "string" },
        in: { type: "string", description: "next_check: from the end of this run, such as 30m." },
        mode: { type: "string", enum: ["now", "next-heartbeat"] },
      },
      required: ["action"],
      additionalProperties: false,
    },
    async run(args, context) {
      try {
        return await perform(deps, args, context);
      } catch (error) {
        if (error instanceof GatewayError) throw new ToolError(error.message);
        throw error;
      }
    },
  };
}

async function perform(
  deps: AutomationsDeps,
  args: Record<string, unknown>,
  context: ToolContext,
): Promise<ToolResult> {
  const { cron } = deps;
  const { action, includeDisabled, limit, offset } = args as Record<string, never>;
  const id = () => ({ id: required(args.jobId, "jobId") });
  switch (args.action as (typeof ACTIONS)[number]) {
    case "status":
      return jsonResult(await cron.status(false));
    case "list":
      return jsonResult({ ...(await cron.list(await valid("cron.list", { includeDisabled, limit, offset }))) });
    case "get":
      return jsonResult({ ...(await cron.get(id())) });
    case "add":
      return jsonResult({ ...(await cron.add(await newJob(deps, args.job, context))) });
    case "update": {
      const patch = await screened(deps, dict(args.job), context);
      const params = await valid<CronUpdateParams>("cron.update", fillInPatch({ ...id(), patch }));
      return jsonResult({ ...(await cron.update(params)) });
    }
    case "remove":
      return jsonResult(await cron.remove(id()));
    case "run":
      return jsonResult(await cron.run(id()));
    case "runs":
      return jsonResult(await cron.runs(await valid("cron.runs", { ...id(), limit, offset })));
    case "wake": {
      const text = required(args.text, "text");
      const mode = args.mode === "now" ? "now" : "next-heartbeat";
      await screened(deps, { payload: { text } }, context);
      // An agent's note is an agent's, not the system's own word.
      const sender = {
        client: { id: `agent:${context.agentId}`, mode: "backend" },
        owner: context.sessionKey,
        may: () => false,
      };
      return jsonResult(await cron.wake({ text, mode, sessionKey: context.sessionKey }, sender));
    }
    case "next_check":
      return jsonResult({ ok: true, inMs: cron.nextCheck(context.runId, required(args.in, "in")) });
    default:
      throw new ToolError(`unknown action ${action}`);
  }
}

/** The job as `cron.add` takes it, of this session and its agent unless it says otherwise. */
async function newJob(deps: AutomationsDeps, given: unknown, context: ToolContext): Promise<CronAddParams> {
  if (given === undefined) throw new ToolError("job required");
  const job = await screened(deps, dict(given), context);
  const { agentId, sessionKey } = context;
  const filled = { ...job, agentId, sessionKey, owner: { agentId, sessionKey } } as Record<string, unknown>;
  const payload = dict(job.payload);
  filled.name ??= String(payload.message ?? payload.text ?? "automation").slice(0, 60);
  filled.sessionTarget ??= payload.kind === "systemEvent" ? "main" : "current";
  return valid("cron.add", fillIn(filled));
}

/** What a job will say is said by the agent that plans it. @throws ToolError when the defender does not let it pass */
async function screened(deps: AutomationsDeps, job: Record<string, unknown>, { sessionKey, runId }: ToolContext) {
  const { message, text } = dict(job.payload);
  for (const words of [message, text, job.description]) {
    if (typeof words !== "string") continue;
    const decision = await deps.defender.screen(words, { direction: "inbound", origin: "model", sessionKey, runId });
    if (decision.verdict !== "allow") {
      throw new ToolError(`The defender does not let these words pass. ${decision.findings[0]?.reason ?? ""}`.trim());
    }
  }
  return job;
}

/** @throws ToolError in the words that a client would get */
async function valid<T extends object>(method: string, params: unknown): Promise<T> {
  const given = Object.fromEntries(Object.entries(params as object).filter(([, value]) => value !== undefined));
  const problem = await validateParams(method, given);
  if (problem !== null) throw new ToolError(problem);
  return given as T;
}

function required(value: unknown, name: string): string {
  if (typeof value !== "string" || value.trim() === "") throw new ToolError(`${name} required`);
  return value.trim();
}
