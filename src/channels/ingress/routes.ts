import { channelId } from "../ids.ts";

/** What the path of a webhook names. */
export interface IngressTarget {
  /** Canonical. */
  channel: string;
  account?: string;
}

const NAME = "([A-Za-z0-9][A-Za-z0-9._-]{0,63})";
/** The ways in which senders are told where to post; they mean the same. */
const ROUTES: readonly RegExp[] = [
  new RegExp(`^/webhooks/${NAME}(?:/${NAME})?$`),
  new RegExp(`^/channels?/${NAME}/webhook$`),
  new RegExp(`^/channels?/${NAME}/accounts?/${NAME}/webhook$`),
];

/** The channel, and the account if it is named, that a path is for; null for a path of something else. */
export function ingressTarget(pathname: string): IngressTarget | null {
  for (const route of ROUTES) {
    const match = route.exec(pathname);
    if (match) return { channel: channelId(match[1]!), account: match[2] };
  }
  return null;
}
