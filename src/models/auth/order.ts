import { type Health, usableFrom } from "./health.ts";
import { ineligible, type Profile } from "./profile.ts";

interface OrderFacts {
  model: string;
  now: number;
  /** Ids in the order that somebody set; the others are not used. Undefined where nobody did. */
  explicit: readonly string[] | undefined;
  /** The account that the session stays with. */
  pinned: string | undefined;
  health(profile: Profile): Health;
}

const RANK = { oauth: 0, token: 1, api_key: 2 } as const;

/**
 * The profiles of one provider in the order in which they are tried (docs: concepts/model-failover, "Rotation order"):
 * the pinned one, then as somebody ordered them, else by kind, by whether an OAuth token still holds, and by who was
 * used least recently. Those that cool down or are closed come last, the soonest usable first.
 */
export function ordered(profiles: readonly Profile[], facts: OrderFacts): Profile[] {
  const { model, now, explicit, pinned, health } = facts;
  const eligible = profiles.filter(({ credential }) => ineligible(credential, now) === null);
  const listed = explicit
    ? explicit.flatMap((id) => eligible.find((profile) => profile.id === id) ?? [])
    : eligible.toSorted((a, b) => compare(a, b, facts));
  const free = (profile: Profile) => usableFrom(health(profile), model);
  const usable = listed.filter((profile) => free(profile) <= now);
  const waiting = listed.filter((profile) => free(profile) > now).toSorted((a, b) => free(a) - free(b));
  const first = usable.find(({ id }) => id === pinned);
  return [...(first ? [first] : []), ...usable.filter((profile) => profile !== first), ...waiting];
}

function compare(a: Profile, b: Profile, { now, health }: OrderFacts): number {
  const runOut = ({ credential }: Profile) => (credential.type === "oauth" && credential.expires <= now ? 1 : 0);
  return (
    RANK[a.credential.type] - RANK[b.credential.type] ||
    runOut(a) - runOut(b) ||
    health(a).lastUsed - health(b).lastUsed ||
    (a.id < b.id ? -1 : 1)
  );
}
