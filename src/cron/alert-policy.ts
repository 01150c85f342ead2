import type { GatewayConfig } from "../../generated/config.ts";
import type { Target } from "./announcer.ts";
import { given, type Job } from "./job.ts";

/** `cron.failureAlert` of the configuration. */
export type SharedAlert = NonNullable<NonNullable<GatewayConfig["cron"]>["failureAlert"]>;

/** Where an alert goes. `to` of a webhook is its address. */
export interface AlertRoute extends Target {
  mode: "announce" | "webhook";
}

/** When somebody is told of a job's failures, and where. */
export interface AlertPolicy {
  /** False when failed runs are not told of, only results that did not arrive. */
  runs: boolean;
  /** So many failures in a row. */
  after: number;
  cooldownMs: number;
  includeSkipped: boolean;
  route: AlertRoute;
  /** A way that is not the one by which the job delivers its results; null when there is none. */
  alternate: AlertRoute | null;
}

type RouteFields = Partial<AlertRoute>;

/**
 * The policy of a job; null when nobody is to be told. A job's own `failureAlert` decides, then the configuration; without
 * both a job is covered when it says where failures go or announces its results (docs: cron-jobs/delivery).
 */
export function policyOf(job: Job, shared: SharedAlert | undefined): AlertPolicy | null {
  const { failureAlert: own, delivery } = job;
  if (own === false || (own === undefined && shared?.enabled === false)) return null;
  const primary: AlertRoute | null =
    delivery?.mode === "announce"
      ? {
          mode: "announce",
          ...given({
            channel: delivery.channel,
            to: delivery.to,
            accountId: delivery.accountId,
            threadId: delivery.threadId,
          }),
        }
      : null;
  const named = routeIn(own, primary) ?? routeIn(layered(shared, delivery?.failureDestination), primary);
  const route = named ?? primary;
  if (route === null && own === undefined && shared === undefined) return null;
  const { after = 2, cooldownMs = HOUR, includeSkipped = false } = { ...figures(shared), ...figures(own) };
  return {
    runs: own !== undefined || delivery?.bestEffort !== true,
    after,
    cooldownMs,
    includeSkipped,
    route: route ?? { mode: "announce" },
    alternate: named !== null && !isPrimary(named, job) ? named : null,
  };
}

const HOUR = 3_600_000;

const figures = ({ after, cooldownMs, includeSkipped }: Omit<SharedAlert, "enabled"> = {}) =>
  given({ after, cooldownMs, includeSkipped });

/** A route of the fields that are there; null without any. What a channel's route leaves open is as the job announces. */
function routeIn(fields: RouteFields | undefined, primary: AlertRoute | null): AlertRoute | null {
  const { mode, channel, to, accountId } = fields ?? {};
  if (mode === undefined && channel === undefined && to === undefined && accountId === undefined) return null;
  const named = given({ channel, to, accountId });
  if (mode === "webhook") return { mode, ...named };
  const fits = primary !== null && to === undefined && (channel === undefined || channel === primary.channel);
  return { ...(fits ? primary : {}), ...named, mode: "announce" };
}

/** The job's destination over that of the configuration. An address of another mode or channel is not taken over. */
function layered(shared: SharedAlert | undefined, own: RouteFields | undefined): RouteFields {
  const base = given({ mode: shared?.mode, channel: shared?.channel, to: shared?.to, accountId: shared?.accountId });
  const moves = (own?.mode !== undefined && own.mode !== base.mode) || (own?.channel && own.channel !== base.channel);
  return { ...(moves ? given({ mode: base.mode }) : base), ...own };
}

function isPrimary(route: AlertRoute, { delivery }: Job): boolean {
  if (delivery?.mode !== route.mode) return false;
  return (delivery.channel ?? "last") === (route.channel ?? "last") && delivery.to === route.to;
}
