import { isIP } from "node:net";
import { isPublicAddress } from "../../platform/addresses.ts";
import type { ActionGuard } from "../guard.ts";
import type { Finding } from "../types.ts";

/**
 * Judges addresses by what they say, without asking the network: where a name leads is checked again by whoever
 * connects (`platform/http-safe.ts`).
 */
export const urlGuard: ActionGuard = {
  name: "url",
  inspect: (action) => (action.kind === "url" ? urlFindings(action.url) : []),
};

/** Names under which clouds tell their machines about themselves, keys included. */
const METADATA =
  /^(?:metadata(?:\.google\.internal|\.goog)?|instance-data(?:\.ec2\.internal)?|169\.254\.169\.254|100\.100\.100\.200|\[fd00:ec2::254\])$/;
const LOCAL_NAME = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home\.arpa)$/;

function urlFindings(address: string): Finding[] {
  const url = URL.parse(address);
  if (url === null) return [finding("unreadable", 60, "The address cannot be read.")];
  const found: Finding[] = [];
  if (!/^https?:$/.test(url.protocol)) found.push(finding("scheme", 70, "The address is not one of the web."));
  if (url.username !== "" || url.password !== "") {
    found.push(finding("credentials", 60, "The address holds credentials."));
  }
  const host = url.hostname.toLowerCase().replace(/\.$/, "");
  if (METADATA.test(host)) found.push(finding("metadata", 95, "The address tells a machine's own keys and settings."));
  else if (isPrivate(host)) found.push(finding("private-host", 60, "The address is inside a private network."));
  if (host.split(".").some((label) => label.startsWith("xn--"))) {
    found.push(finding("international-host", 50, "The host's name has letters that may pass for others."));
  }
  return found;
}

function isPrivate(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "");
  if (isIP(bare) !== 0) return !isPublicAddress(bare);
  return LOCAL_NAME.test(host) || (host !== "" && !host.includes("."));
}

const finding = (id: string, score: number, reason: string): Finding => ({ id: `url.${id}`, score, reason });
