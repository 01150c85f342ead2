import { isIP } from "node:net";
import { isPublicAddress } from "../../platform/addresses.ts";
import type { Finding } from "../types.ts";

/** Names under which clouds tell their machines about themselves, keys included. */
const METADATA =
  /^(?:metadata(?:\.google\.internal|\.goog|\.azure\.internal|\.tencentyun\.com|\.packet\.net|\.platformequinix\.com)?|instance-data(?:\.ec2\.internal)?|169\.254\.169\.25[34]|169\.254\.170\.2|169\.254\.170\.23|169\.254\.0\.23|100\.100\.100\.200|192\.0\.0\.192|168\.63\.129\.16|fd00:ec2::(?:254|23)|fd20:ce::254)$/;
const LOCAL_NAME = /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|lan|home\.arpa)$/;
/** Names that anybody can make lead to an address that stands in them, or to this machine. */
const ADDRESS_IN_NAME = /\.(?:nip\.io|sslip\.io|xip\.io|traefik\.me|backname\.io|1u\.ms|rbndr\.us)$/;
const OWN_MACHINE =
  /(?:^|\.)(?:localtest\.me|lvh\.me|lacolhost\.com|vcap\.me|fbi\.com\.localhost|yoogle\.com\.localhost)$/;
/** Places that show whoever made them what was sent there. */
const RECEIVER =
  /(?:^|\.)(?:webhook\.site|requestbin\.(?:com|net)|pipedream\.net|interact\.sh|interactsh\.com|oast\.(?:pro|live|site|online|fun|me)|burpcollaborator\.net|oastify\.com|beeceptor\.com|hookbin\.com|requestcatcher\.com|dnslog\.cn|ceye\.io|canarytokens\.com|requestrepo\.com)$/;

/** What a host's name or address says about where it leads. @param host lower case, without brackets and final dot */
export function hostFindings(host: string): Finding[] {
  const address = addressIn(host);
  if (METADATA.test(host) || (address !== undefined && METADATA.test(address))) {
    return [finding("metadata", 95, "The address tells a machine's own keys and settings.")];
  }
  if (isPrivate(host, address)) return [finding("private-host", 60, "The address is inside a private network.")];
  if (RECEIVER.test(host)) return [finding("receiver", 60, "The host shows whoever set it up what is sent there.")];
  if (isRandomName(host)) return [finding("data-in-name", 60, "The host's name is long enough to carry data.")];
  return [];
}

function isPrivate(host: string, address: string | undefined): boolean {
  if (isIP(host) !== 0) return !isPublicAddress(host);
  if (address !== undefined) return !isPublicAddress(address);
  if (LOCAL_NAME.test(host) || OWN_MACHINE.test(host)) return true;
  // A service whose names change where they lead between two looks.
  return /\.(?:1u\.ms|rbndr\.us)$/.test(host) || (host !== "" && !host.includes("."));
}

/** The IPv4 address that an IPv6 one carries, or that stands in a name. */
function addressIn(host: string): string | undefined {
  const carried =
    /^(?:::(?:ffff:(?:0:)?)?|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$|^2002:([0-9a-f]{1,4}):([0-9a-f]{1,4})::/.exec(
      host,
    );
  if (carried)
    return dotted(Number.parseInt(carried[1] ?? carried[3]!, 16), Number.parseInt(carried[2] ?? carried[4]!, 16));
  if (!ADDRESS_IN_NAME.test(host)) return undefined;
  const inName = /(?:^|[.-])(\d{1,3})[.-](\d{1,3})[.-](\d{1,3})[.-](\d{1,3})\./.exec(host);
  if (inName) return inName.slice(1, 5).map(Number).join(".");
  const hex = /(?:^|[.-])([0-9a-f]{4})([0-9a-f]{4})\./.exec(host);
  return hex ? dotted(Number.parseInt(hex[1]!, 16), Number.parseInt(hex[2]!, 16)) : undefined;
}

const dotted = (high: number, low: number): string => [high >> 8, high & 255, low >> 8, low & 255].join(".");

/** Labels that no person makes up: long ones of letters and digits at random, several of them. */
function isRandomName(host: string): boolean {
  if (host.length < 90) return false;
  return host.split(".").filter((label) => label.length >= 30 && /^(?=.*\d)[a-z0-9]+$/.test(label)).length >= 2;
}

const finding = (id: string, score: number, reason: string): Finding => ({ id: `url.${id}`, score, reason });
