import type { BrowserOpenParams, BrowserOpenResult, BrowserRequestParams } from "../../generated/types.ts";
import type { ConfigPort } from "../config/types.ts";
import { dict, text } from "../models/settings.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { cleanPath, HOST_ROUTES, isProfileChange } from "./browser-routes.ts";
import { commandConfig, commandRefusal, effectiveCommands } from "./command-policy.ts";
import { nodeError, payloadOf } from "./invoke-answers.ts";
import type { NodeInvokes } from "./invokes.ts";
import type { NodeSessions } from "./node-sessions.ts";
import { effectiveCaps } from "./surface.ts";
import type { NodeSession } from "./types.ts";

const COMMAND = "browser.proxy";
/** Milliseconds; upstream's time for a route, and what the node gets on top to say that it took longer. */
const ROUTE_MS = 20_000;
const SLACK_MS = 5000;
/** Routes that open the `url` of their body. */
const NAVIGATIONS: ReadonlySet<string> = new Set(["/navigate", "/tabs/open"]);
const SELECTOR_CHARS = 256;
const TARGET_RULE =
  'target must be "host" or "node"; node requires target="node" and a nonempty selector of at most 256 characters';

const unavailable = (message: string): GatewayError => new GatewayError("UNAVAILABLE", message);

/**
 * The browser control routes, served by a node that has a browser (docs: browser, node proxy). This gateway has none of
 * its own and says so. What changes profiles on a disk is never relayed (KNOWN_ATTACKS 29).
 */
export class BrowserRelay {
  constructor(private readonly deps: { invokes: NodeInvokes; sessions: NodeSessions; config: ConfigPort }) {}

  /** @throws GatewayError for a route that is not relayed, without a browser, and with what the route answers */
  async request(params: BrowserRequestParams): Promise<unknown> {
    const { target, node } = params;
    const selector = typeof node === "string" ? node.trim() : "";
    const isSelecting = node !== undefined;
    const isValid = !isSelecting || (target === "node" && selector !== "" && selector.length <= SELECTOR_CHARS);
    if (!isValid || (target !== undefined && target !== "host" && target !== "node")) throw invalidRequest(TARGET_RULE);
    const method = typeof params.method === "string" ? params.method.trim().toUpperCase() : "";
    const path = typeof params.path === "string" ? params.path.trim() : "";
    if (method === "" || path === "") throw invalidRequest("method and path are required");
    if (!["GET", "POST", "DELETE"].includes(method)) throw invalidRequest("method must be GET, POST, or DELETE");
    const route = cleanPath(path);
    if (HOST_ROUTES.has(`${method} ${route}`)) {
      if (target === "node") throw invalidRequest("this browser route must run on the Gateway host");
      throw unavailable(this.hostUnavailable());
    }
    const session = target === "host" ? null : this.nodeFor(target === "node", selector);
    if (session === null) throw unavailable(this.hostUnavailable());
    if (isProfileChange(method, route)) {
      throw invalidRequest("browser.request cannot mutate persistent browser profiles over a node proxy");
    }
    const { url } = dict(params.body);
    if (NAVIGATIONS.has(route) && typeof url === "string") requireWebAddress(url);
    return this.relay(session, { ...params, method, path: route });
  }

  /** Opens a tab: the short form of `POST /tabs/open`. */
  async open({ url, profile, target, node, timeoutMs }: BrowserOpenParams): Promise<BrowserOpenResult> {
    requireWebAddress(url);
    const query = profile === undefined ? {} : { query: { profile } };
    const where = { ...(target && { target }), ...(node && { node, target: "node" as const }) };
    const route = { method: "POST", path: "/tabs/open", body: { url }, ...query, timeoutMs };
    return (await this.request({ ...route, ...where })) as BrowserOpenResult;
  }

  private async relay(session: NodeSession, { method, path, query, body, timeoutMs }: BrowserRequestParams) {
    const { invokes, config } = this.deps;
    const { nodeId, facts } = session;
    const refusal = commandRefusal(COMMAND, session, commandConfig(config.current));
    if (refusal !== null) {
      const { reason } = refusal;
      const where = `platform: ${facts.platform ?? "unknown"}, command: ${COMMAND}`;
      throw invalidRequest(`node command not allowed: ${reason} (${where})`, { reason, command: COMMAND });
    }
    const isTime = typeof timeoutMs === "number" && Number.isFinite(timeoutMs) && timeoutMs > 0;
    const routeMs = isTime ? timeoutMs : ROUTE_MS;
    const profile = text(dict(query).profile) ?? text(dict(body).profile);
    const asked = { method, path, query: dict(query), body, timeoutMs: routeMs, profile, errorEnvelope: "browser-v1" };
    const outcome = await invokes.ask(nodeId, COMMAND, asked, {
      timeoutMs: routeMs + SLACK_MS,
      idempotencyKey: uuid(),
    });
    if (!outcome.ok) throw nodeError(outcome, null);
    return resultOf(payloadOf(outcome));
  }

  /** The node whose browser is used, or null when the gateway's own is meant. @throws GatewayError */
  private nodeFor(explicit: boolean, selector: string): NodeSession | null {
    const { config } = this.deps;
    const policy = dict(dict(dict(config.current.gateway).nodes).browser);
    const wanted = selector || text(policy.node)?.trim() || "";
    if (policy.mode === "off") {
      if (explicit) throw unavailable("Error: Node browser proxy is disabled (gateway.nodes.browser.mode=off).");
      return null;
    }
    if (policy.mode === "manual" && !explicit && wanted === "") return null;
    const capable = [...this.deps.sessions.all()].filter((session) => this.hasBrowser(session));
    if (capable.length === 0) {
      if (explicit || wanted !== "") throw unavailable("Error: No connected browser-capable nodes.");
      return null;
    }
    if (wanted !== "") return selected(capable, wanted);
    if (capable.length === 1) return capable[0]!;
    if (!explicit) return null;
    const hint = "Set gateway.nodes.browser.node or pass node=<id>.";
    throw unavailable(`Error: Multiple browser-capable nodes connected (${capable.length}). ${hint}`);
  }

  private hasBrowser(session: NodeSession): boolean {
    const { surface, declaration } = session;
    const commands = effectiveCommands(session, surface, commandConfig(this.deps.config.current));
    return effectiveCaps(declaration, surface).includes("browser") || commands.includes(COMMAND);
  }

  private hostUnavailable(): string {
    const isOff = dict(this.deps.config.current.browser).enabled === false;
    return isOff
      ? "browser control disabled: browser.enabled=false. Set browser.enabled=true."
      : "browser control disabled: this gateway has no browser of its own. Connect a node that has one.";
  }
}

/** @throws GatewayError when no node is meant, or more than one */
function selected(nodes: readonly NodeSession[], wanted: string): NodeSession {
  const name = compact(wanted);
  const isMeant = ({ nodeId, facts }: NodeSession): boolean =>
    facts.remoteIp === wanted ||
    compact(facts.displayName ?? "") === name ||
    (wanted.length >= 6 && nodeId.startsWith(wanted));
  const exact = nodes.find(({ nodeId }) => nodeId === wanted);
  const [found, second] = exact === undefined ? nodes.filter(isMeant) : [exact];
  const known = nodes.map(({ nodeId, facts }) => facts.displayName ?? nodeId).join(", ");
  if (found === undefined) throw unavailable(`Error: unknown node: ${wanted} (known: ${known})`);
  if (second !== undefined) throw unavailable(`Error: ambiguous node: ${wanted} (matches: ${known})`);
  return found;
}

const compact = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, "");

/** What the route answered. @throws GatewayError with the route's own error */
function resultOf(payload: unknown): unknown {
  const { error, files, ...answer } = dict(payload);
  const { status, body } = dict(error);
  if (typeof status === "number") {
    const details = dict(body);
    const message = text(details.error) ?? `HTTP ${status}`;
    throw new GatewayError(status >= 500 ? "UNAVAILABLE" : "INVALID_REQUEST", message, { details });
  }
  if (!("result" in answer)) throw unavailable("browser proxy failed");
  // Files of a node are not taken over: their paths would name something on another machine.
  if (Array.isArray(files) && files.length > 0) throw unavailable("browser proxy file transfer failed");
  return answer.result;
}

/** Files and scripts are no pages (KNOWN_ATTACKS 94). @throws GatewayError */
function requireWebAddress(url: string): void {
  const protocol = URL.canParse(url) ? new URL(url).protocol : "";
  if (protocol === "http:" || protocol === "https:" || url === "about:blank") return;
  throw invalidRequest("url must be an http or https address, or about:blank");
}
