import { LIMITS } from "../../generated/limits.ts";
import type {
  AuditActivityListParams,
  AuditActivityListResult,
  AuditListParams,
  AuditListResult,
  AuditRunInspectParams,
  AuditRunInspectResult,
} from "../../generated/types.ts";
import type { ConfigPort } from "../config/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Logger } from "../platform/logger.ts";
import type { AuditQuery, AuditRepository } from "./audit-repository.ts";
import { type AgentFrame, type AuditEvent, auditEvent } from "./events.ts";
import { inspection } from "./inspection.ts";

interface AuditDeps {
  config: ConfigPort;
  repository: AuditRepository;
  bus: EventBus;
  clock: Clock;
  log: Logger;
}

/** The ledger of what agents did (docs: gateway/audit): it follows the events of runs, and answers `audit.*`. */
export class Audit {
  /** Lines on their way to the disk, so that a reader sees what had happened when it asked. */
  private writing = new Set<Promise<void>>();

  constructor(private readonly deps: AuditDeps) {
    deps.bus.subscribe(({ event, payload }) => {
      if (event === "agent") this.follow(payload as unknown as AgentFrame);
    });
  }

  /** Gives runs that a crash cut off their last line. To be called once, before any run begins. */
  async start(): Promise<void> {
    const { config, repository, clock } = this.deps;
    if (config.current.logging?.audit?.enabled === false) return;
    await repository.closeUnfinished(clock.now());
  }

  /** @throws GatewayError for a cursor that is none, and a range that ends before it begins */
  async list(params: AuditListParams): Promise<AuditListResult> {
    return this.page("audit.list", params);
  }

  /** The same, in the form that is to hold messages of channels as well. @throws GatewayError as `list` does */
  async activity({ direction, channel, ...params }: AuditActivityListParams): Promise<AuditActivityListResult> {
    // Runs have neither a channel nor a direction: whoever asks for one asks for messages, which are not written down.
    const nothing = direction !== undefined || channel !== undefined || params.kind === "message";
    const { events, nextCursor } = await this.page("audit.activity.list", params);
    const shown = nothing ? [] : events;
    return {
      events: shown.map((event) => ({ ...event, schemaVersion: 1, eventType: event.kind })),
      ...(nextCursor && !nothing ? { nextCursor } : {}),
    } as AuditActivityListResult;
  }

  /** `audit.run.inspect`: whether the ledger knows a run. What it ran as is not recorded. */
  async inspect(params: AuditRunInspectParams): Promise<AuditRunInspectResult> {
    const { runId, executionId } = params;
    if (runId === undefined) return inspection({ executionId });
    await this.written();
    const lines = await this.deps.repository.list({ runId, limit: 1 });
    return inspection({ runId, isKnown: lines.length > 0 });
  }

  private async written(): Promise<void> {
    if (this.writing.size > 0) this.deps.repository.hasten();
    await Promise.all(this.writing);
  }

  private follow(frame: AgentFrame): void {
    const { config, repository, log } = this.deps;
    if (config.current.logging?.audit?.enabled === false) return;
    const line = auditEvent(frame);
    if (!line) return;
    const written = repository
      .add(line)
      .catch((error: unknown) => log.error("a line of the audit ledger was lost", { error }))
      .finally(() => this.writing.delete(written));
    this.writing.add(written);
  }

  private async page(
    method: string,
    {
      cursor,
      limit = LIMITS.auditListDefault,
      ...filters
    }: Omit<AuditQuery, "limit" | "below"> & { cursor?: string; limit?: number },
  ): Promise<{ events: AuditEvent[]; nextCursor?: string }> {
    const below = cursor === undefined ? undefined : Number(cursor);
    const isCursor = below === undefined || (/^\d{1,15}$/.test(cursor!) && below > 0);
    const { after, before } = filters;
    if (!isCursor || (after !== undefined && before !== undefined && after > before)) {
      throw invalidRequest(`invalid ${method} range or cursor`);
    }
    await this.written();
    const found = await this.deps.repository.list({ ...filters, below, limit: limit + 1 });
    const events = found.slice(0, limit);
    const last = events.at(-1);
    return { events, ...(found.length > limit && last ? { nextCursor: String(last.sequence) } : {}) };
  }
}
