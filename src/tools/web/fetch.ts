import { wrapExternal } from "../../defender/external-content.ts";
import { type FetchAnswer, fetchSafely } from "../../platform/fetch-safe.ts";
import { type OutboundPolicy, OutboundRefused } from "../../platform/http-safe.ts";
import { type Tool, type ToolContext, ToolError, type ToolResult, textResult } from "../types.ts";
import { ResultCache } from "./cache.ts";
import { permitUrl, screenWeb } from "./checkpoint.ts";
import type { WebDeps } from "./create.ts";
import { type Extract, extract } from "./extract.ts";
import { type FetchSettings, fetchSettings } from "./settings.ts";

/** `web_fetch`: a page of the web as text (docs: tools/web-fetch; results as measured from 2026.9.6). */
export function fetchTool(deps: WebDeps): Tool {
  const cache = new ResultCache<Payload>(deps.clock, deps.limits.webCacheEntries);
  return {
    name: "web_fetch",
    description:
      "Gets a page of the web and gives its text as Markdown or plain. Runs no scripts of the page; use a browser for pages that need them.",
    parameters: {
      type: "object",
      required: ["url"],
      properties: {
        url: { type: "string", description: "The address, http or https." },
        extractMode: {
          type: "string",
          enum: ["markdown", "text"],
          default: "markdown",
          description: "How the text is written.",
        },
        maxChars: { type: "integer", minimum: 100, description: "Characters at most." },
      },
    },
    isAvailable: () => fetchSettings(deps.config.current).isEnabled,
    run: async (args, context) => {
      const settings = fetchSettings(deps.config.current);
      const request = requestOf(args, settings);
      const key = JSON.stringify([request, settings.headers, settings.userAgent, settings.wantsMain]);
      const known = cache.find(key, settings.cacheMs);
      if (known) await permitUrl(deps.defender, request.url, "GET", context, isNamed(request.url, settings.policy));
      const payload = known ?? (await fetchPage(request, settings, deps, context));
      if (!known) cache.keep(key, payload, settings.cacheMs);
      return shown(known ? { ...payload, cached: true } : payload);
    },
  };
}

interface Request {
  url: string;
  form: "markdown" | "text";
  maxChars: number;
}

/** What the model is told; also the details of the result. */
type Payload = Record<string, unknown>;

/** After which watchers are told that a page is waited for. */
const NOTICE_AFTER_MS = 5000;

const shown = (payload: Payload): ToolResult => textResult(JSON.stringify(payload, null, 2), payload);

function requestOf(args: Record<string, unknown>, settings: FetchSettings): Request {
  const url = String(args.url).trim();
  if (url === "") throw new ToolError("url required");
  const asked = typeof args.maxChars === "number" ? args.maxChars : settings.maxChars;
  return {
    url,
    form: args.extractMode === "text" ? "text" : "markdown",
    maxChars: Math.max(100, Math.min(Math.floor(asked), settings.maxCharsCap)),
  };
}

async function fetchPage(
  request: Request,
  settings: FetchSettings,
  deps: WebDeps,
  context: ToolContext,
): Promise<Payload> {
  const { clock, defender, limits } = deps;
  const began = clock.now();
  const answer = await noticed(context, call(request.url, settings, deps, context));
  const page = await extract(answer, request.form, settings.wantsMain, limits);
  context.signal.throwIfAborted();
  const words = [page.title, page.text].filter((part) => part !== undefined).join("\n");
  await screenWeb(defender, words, "tool:web_fetch", context);
  if (answer.status >= 400) {
    const text = wrapExternal(page.text.slice(0, limits.webErrorChars), { source: "Web Fetch" });
    throw new ToolError(`Web fetch failed (${answer.status}): ${text}`);
  }
  if (page.text === "") throw new ToolError("Web fetch extraction failed: the page holds no text.");
  return payloadOf(request, answer, page, clock.now(), began);
}

async function call(url: string, settings: FetchSettings, { resolve, defender }: WebDeps, context: ToolContext) {
  const { signal } = context;
  const { headers, userAgent, timeoutMs, maxBytes, maxRedirects, policy } = settings;
  const own = {
    accept: "text/markdown, text/html;q=0.9, */*;q=0.1",
    "accept-language": "en-US,en;q=0.9",
    "user-agent": userAgent,
  };
  try {
    const bounds = { timeoutMs, maxBytes, maxRedirects, policy, signal };
    const permit = (next: string) => permitUrl(defender, next, "GET", context, isNamed(next, policy));
    return await fetchSafely(url, {
      ...bounds,
      permit,
      headers: { ...headers, ...own },
      ...(resolve ? { resolve } : {}),
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof ToolError) throw error;
    if (error instanceof OutboundRefused) throw new ToolError(error.message);
    // What the system says of the connection, such as that a name is unknown; nothing of the page.
    throw new ToolError(`Web fetch failed: ${error instanceof Error ? error.message : "no connection"}`);
  }
}

/** Whether the configuration lets the fetch go to this host wherever it is. */
function isNamed(url: string, { allowedHostnames = [], dangerouslyAllowPrivateNetwork }: OutboundPolicy): boolean {
  const host = URL.parse(url)?.hostname.replace(/^\[|\]$|\.$/g, "");
  return dangerouslyAllowPrivateNetwork === true || allowedHostnames.some((name) => name.toLowerCase() === host);
}

async function noticed<T>(context: ToolContext, work: Promise<T>): Promise<T> {
  const timer = setTimeout(() => context.onUpdate(textResult("Fetching page content...")), NOTICE_AFTER_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** Most characters of a title and of a warning. */
const NOTE_CHARS = 256;
/** An address that is longer is not shown; the one that was asked for is. */
const ADDRESS_CHARS = 2048;

function payloadOf(request: Request, answer: FetchAnswer, page: Extract, now: number, began: number): Payload {
  const { text, title, extractor } = page;
  const source = "Web Fetch";
  const wrapped = wrapExternal(text, { source });
  const overhead = wrapped.length - text.length;
  const brief = (note: string) => wrapExternal(note.slice(0, NOTE_CHARS), { source, isBrief: true });
  const room = Math.max(0, request.maxChars - overhead);
  const isLong = text.length > room;
  const kept = isLong ? text.slice(0, room).replace(/[\ud800-\udbff]$/, "") : text;
  const finalUrl = answer.url.length > ADDRESS_CHARS ? request.url : answer.url;
  const body = isLong ? wrapExternal(kept, { source }) : wrapped;
  return {
    url: request.url,
    finalUrl,
    ...(page.contentType ? { contentType: page.contentType } : {}),
    status: answer.status,
    ...(title === undefined ? {} : { title: brief(title) }),
    extractMode: request.form,
    extractor,
    externalContent: { untrusted: true, source: "web_fetch", wrapped: true },
    truncated: isLong || answer.isCut || finalUrl !== answer.url || (title?.length ?? 0) > NOTE_CHARS,
    length: body.length,
    rawLength: text.length,
    fetchedAt: new Date(now).toISOString(),
    tookMs: now - began,
    text: body,
    ...(answer.isCut ? { warning: brief(`Response body incomplete after ${answer.body.length} bytes.`) } : {}),
  };
}
