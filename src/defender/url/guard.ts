import { isIP } from "node:net";
import { LIMITS } from "../../../generated/limits.ts";
import { SecretScanner } from "../../platform/secrets.ts";
import type { ActionGuard } from "../guard.ts";
import type { Finding, Origin } from "../types.ts";
import { carriedFindings } from "./carried.ts";
import { hostFindings } from "./hosts.ts";
import { type Link, linksIn } from "./links.ts";
import { lookalikeFindings } from "./lookalikes.ts";

/**
 * Judges addresses by what they say, without asking the network: where a name leads is checked again by whoever
 * connects (`platform/http-safe.ts`). Links in messages are judged for what they do to whoever follows them.
 * @param secrets the gateway's own secrets, by value
 */
export function urlGuard(secrets: () => readonly string[]): ActionGuard {
  const scanner = new SecretScanner({ values: secrets, strict: true });
  return {
    name: "url",
    inspect: (action, { origin }, checkTime) => {
      if (action.kind === "url") {
        const all = addressFindings(action.url, scanner, origin);
        // A private network is where the operator's configuration has sent it.
        return action.isConfigured ? all.filter(({ id }) => id !== "url.private-host") : all;
      }
      if (action.kind !== "outbound-message") return [];
      const best = new Map<string, Finding>();
      const { links, isAll } = linksIn(action.text, LIMITS.defenderLinks);
      for (const link of links) {
        checkTime();
        for (const each of linkFindings(link, scanner, origin)) {
          if ((best.get(each.id)?.score ?? -1) < each.score) best.set(each.id, each);
        }
      }
      if (!isAll) best.set("", finding("too-many-links", 55, "The message has more links than can be looked at."));
      return [...best.values()];
    },
  };
}

/** Programs and scripts by the end of an address's path. */
const PROGRAM =
  /\.(?:sh|bash|run|bin|elf|exe|msi|scr|com|bat|cmd|ps1|vbs|jar|apk|deb|rpm|dmg|pkg|appimage|py|pl|rb|so|dll|dylib|hta|lnk|iso)$/i;

function addressFindings(address: string, scanner: SecretScanner, origin: Origin): Finding[] {
  if (address.length > LIMITS.defenderUrlChars)
    return [finding("too-long", 65, "The address is longer than any honest one.")];
  const url = URL.parse(address);
  if (url === null) return [finding("unreadable", 60, "The address cannot be read.")];
  const found: Finding[] = [];
  if (!/^https?:$/.test(url.protocol)) found.push(finding("scheme", 70, "The address is not one of the web."));
  const host = hostOf(url);
  found.push(...hostFindings(host), ...partFindings(address, url, host), ...lookalikeFindings(host));
  if (isIP(host) !== 0 && PROGRAM.test(url.pathname)) {
    found.push(finding("program-from-address", 65, "A program would come from a bare address without a name."));
  }
  return [...found, ...carriedFindings(url, scanner, origin)];
}

/** Of a link in a message only what harms its reader or gives something away: a link to one's own machine is none. */
function linkFindings({ url: address, label, isPicture, at }: Link, scanner: SecretScanner, origin: Origin): Finding[] {
  const url = URL.parse(address);
  if (url === null) return [];
  const found: Finding[] = [];
  if (/^(?:javascript|vbscript|data):$/.test(url.protocol)) {
    found.push(finding("script-link", 75, "A link of the message runs a script."));
  }
  const host = hostOf(url);
  found.push(...partFindings(address, url, host), ...lookalikeFindings(host), ...carriedFindings(url, scanner, origin));
  const named = label === undefined ? null : hostNamed(label);
  if (named !== null && named !== host && !named.endsWith(`.${host}`) && !host.endsWith(`.${named}`)) {
    found.push(finding("other-than-shown", 65, "A link of the message shows one host and leads to another."));
  }
  if (isPicture && url.search.length > 300) {
    found.push(
      finding("telling-picture", 65, "A picture of the message tells its host more than which picture it is."),
    );
  }
  return found.map((each) => ({ ...each, span: [at, at + address.length] }));
}

/** How the address is put together. */
function partFindings(address: string, url: URL, host: string): Finding[] {
  const found: Finding[] = [];
  if (url.username !== "" || url.password !== "") {
    found.push(finding("credentials", 60, "The address holds credentials."));
  }
  if (/^\s{0,8}[a-z][a-z0-9+.-]*:[/\\]*[^/?#]*\\/i.test(address)) {
    found.push(finding("ambiguous-host", 65, "Programs disagree about which host the address means."));
  }
  if (isIP(host) === 4 && writtenHost(address) !== host) {
    found.push(finding("disguised-address", 65, "The address of the host is written so that it is not seen as one."));
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it looks for
  if (/[\x00-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/.test(address.trim())) {
    found.push(finding("unseen-characters", 65, "The address holds characters that nobody sees."));
  }
  return found;
}

/** Without brackets and final dot. */
const hostOf = ({ hostname }: URL): string => hostname.toLowerCase().replace(/^\[|\]$|\.$/g, "");

/** The host as it was written, before a reader of addresses put it in order. */
function writtenHost(address: string): string {
  const [, authority = ""] = /^\s{0,8}[a-z][a-z0-9+.-]*:[/\\]*([^/\\?#]*)/i.exec(address) ?? [];
  return authority.slice(authority.lastIndexOf("@") + 1).replace(/:\d*$/, "");
}

/** The host that a link's own text names, when that is all it says. */
function hostNamed(label: string): string | null {
  const [, host] = /^\s*(?:https?:\/\/)?((?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24})(?:[/:?#]\S*)?\s*$/i.exec(label) ?? [];
  return host?.toLowerCase() ?? null;
}

const finding = (id: string, score: number, reason: string): Finding => ({ id: `url.${id}`, score, reason });
