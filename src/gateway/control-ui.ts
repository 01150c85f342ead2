import { homedir } from "node:os";
import { resolve } from "node:path";
import type { AgentIdentityResult } from "../../generated/types.ts";
import { expandHome } from "../config/paths.ts";
import { pluginOf } from "../plugins/discovery.ts";
import { COMPATIBLE_VERSION } from "../protocol/version.ts";
import { normalBasePath } from "../ui/base-path.ts";
import { mediaType } from "../ui/media-types.ts";
import { makePage, type Page } from "../ui/page.ts";
import { pathNames, UiFolder } from "../ui/ui-folder.ts";
import type { Authorizer } from "./authorizer.ts";
import { pageHeaders } from "./control-ui-headers.ts";
import { refusedHttp } from "./http-refusals.ts";
import type { PeerFacts } from "./peer.ts";
import type { Services } from "./services.ts";
import { plainText } from "./upgrade.ts";

export interface ControlUiOptions {
  services: Services;
  authorizer: Authorizer;
  /** Of one file of the page. */
  maxFileBytes: number;
}

/** What the page asks the gateway for besides files; each needs credentials. */
const CONFIG_PATHS = ["/control-ui-config.json", "/__openclaw/control-ui-config.json"];
const AVATAR = /^\/avatar\/([^/]{1,200})$/;
const USER_AVATAR = /^\/api\/users\/([^/]{1,400})\/avatar$/;
const ICON = /^\/__openclaw__\/(workspace-icon|plugin-icon)\/[^/]+$/;
/** The view of one plugin, by its id in the catalogue; other paths there belong to plugins themselves. */
const PLUGIN_VIEW = /^\/plugins\/([A-Za-z0-9_-]{1,200})$/;
/** Paths that are never a view of the page. */
const NO_VIEW = /^\/(api|rpc)(\/|$)|^\/plugins\/.|\.(br|gz)$/;

/**
 * Serves the page whose folder `gateway.controlUi.root` names: its files, one entry page for every view, and the few
 * answers that the page takes over HTTP (CONTROL UI as measured at upstream). Without a folder it serves nothing.
 */
export class ControlUi {
  private folder: UiFolder | undefined;
  private made: { stamp: string; page: Page } | undefined;

  constructor(private readonly options: ControlUiOptions) {}

  /** The answer, or null when the path is none of the page's. */
  async serve(request: Request, url: URL, peer: PeerFacts): Promise<Response | null> {
    const folder = this.openFolder();
    if (folder === null) return null;
    const { basePath } = this;
    if (url.pathname !== basePath && !url.pathname.startsWith(`${basePath}/`)) return null;
    if (request.method !== "GET" && request.method !== "HEAD") return null;
    if (url.pathname === basePath && basePath !== "") {
      return new Response(null, { status: 302, headers: { ...pageHeaders(), Location: `${basePath}/${url.search}` } });
    }
    const path = url.pathname.slice(basePath.length);
    return (await this.data(path, request, url, peer)) ?? this.page(folder, path, request, url);
  }

  /** What needs credentials. Null when the path is none of these. */
  private async data(path: string, request: Request, url: URL, peer: PeerFacts): Promise<Response | null> {
    const isConfig = CONFIG_PATHS.includes(path);
    const agent = AVATAR.exec(path)?.[1];
    const user = USER_AVATAR.exec(path)?.[1];
    if (!isConfig && agent === undefined && user === undefined && !ICON.test(path)) return null;
    const refusal = await this.options.authorizer.page(request.headers, peer);
    if (refusal !== null) return refusedHttp(refusal, pageHeaders());
    if (isConfig) return json(200, await this.bootstrap());
    if (agent !== undefined) return this.avatar(agent, url.searchParams.get("meta") === "1");
    // No workspace and no plugin has a picture here.
    return user === undefined ? plainText(404, "Not Found", pageHeaders()) : this.userAvatar(user, request);
  }

  /** A person's picture. What it is was said by who brought it, so nothing else may be made of it. */
  private async userAvatar(encodedId: string, request: Request): Promise<Response> {
    const id = pathNames(`/${encodedId}`)?.[0];
    const avatar = id === undefined ? null : await this.options.services.users.avatar(id);
    if (avatar === null) return json(404, { ok: false, error: { type: "not_found" } }, "no-store");
    const headers = {
      ...pageHeaders(),
      "Content-Type": avatar.mime,
      "Cache-Control": "private, max-age=0, must-revalidate",
      ETag: `"${avatar.revision}"`,
    };
    const isKnown = request.headers.get("if-none-match") === headers.ETag;
    return isKnown
      ? new Response(null, { status: 304, headers })
      : new Response(new Uint8Array(avatar.bytes), { headers });
  }

  /** What the page learns before it opens its socket. */
  private async bootstrap(): Promise<object> {
    const { agents, config } = this.options.services;
    const { controlUi = {}, cliAgents } = config.current.gateway;
    const assistantAgentId = agents.roster.defaultId;
    const identity = await agents.identity({ agentId: assistantAgentId });
    const buildId = (await this.entry())?.buildId;
    return {
      basePath: this.basePath,
      assistantName: identity.name,
      assistantAvatar: this.avatarAddress(identity) ?? identity.avatar,
      assistantAvatarSource: identity.avatarSource ?? null,
      assistantAvatarStatus: identity.avatarStatus ?? null,
      assistantAvatarReason: identity.avatarReason ?? null,
      assistantAgentId,
      serverVersion: COMPATIBLE_VERSION,
      // The page compares it with its own to notice that it is outdated; the digest of its files is no part of it.
      ...(buildId !== undefined && { serverBuildId: buildId.replace(/-[0-9a-f]{64}$/, "") }),
      embedSandbox: controlUi.embedSandbox ?? "scripts",
      allowExternalEmbedUrls: controlUi.allowExternalEmbedUrls === true,
      automaticallyFetchFavicons: controlUi.automaticallyFetchFavicons !== false,
      communityInvite: controlUi.communityInvite !== false,
      terminalEnabled: false,
      cliAgentsEnabled: cliAgents?.enabled !== false,
      pluginAssetsRequireAuth: true,
      pluginFrameGrants: [],
    };
  }

  /** An agent's picture, or with `meta` where it comes from. Only a picture in the agent's workspace has an address here. */
  private async avatar(encodedId: string, meta: boolean): Promise<Response> {
    const id = pathNames(`/${encodedId}`)?.[0];
    const { agents } = this.options.services;
    const known = id !== undefined && agents.find(id) !== undefined;
    const identity = known ? await agents.identity({ agentId: id }) : undefined;
    if (meta) {
      return json(200, {
        avatarUrl: identity ? (this.avatarAddress(identity) ?? null) : null,
        avatarSource: identity?.avatarSource ?? null,
        avatarStatus: identity?.avatarStatus ?? null,
        avatarReason: identity?.avatarReason ?? null,
      });
    }
    const picture =
      identity?.avatarStatus === "local" ? /^data:([^;,]+);base64,(.*)$/s.exec(identity.avatar ?? "") : null;
    if (!picture) return plainText(404, "Not Found", pageHeaders());
    return new Response(Buffer.from(picture[2]!, "base64"), {
      headers: { ...pageHeaders(), "Content-Type": picture[1]!, "Cache-Control": "no-cache" },
    });
  }

  private avatarAddress({ agentId, avatar, avatarStatus }: AgentIdentityResult): string | undefined {
    if (avatarStatus === "local") return `${this.basePath}/avatar/${encodeURIComponent(agentId)}`;
    return avatarStatus === "remote" || avatarStatus === "data" ? avatar : undefined;
  }

  /** A file of the page, or its entry for every path that is none and does not look like one. */
  private async page(folder: UiFolder, path: string, request: Request, url: URL): Promise<Response | null> {
    const names = pathNames(path);
    if (names === null) return plainText(404, "Not Found", pageHeaders());
    const isEntry = path === "/" || path === "/index.html";
    const file = isEntry ? null : await folder.file(names, request.headers.get("accept-encoding") ?? "");
    const entry = await this.entry();
    if (file !== null) {
      const isFixed =
        names[0] === "assets" || (entry?.buildId !== undefined && url.searchParams.get("v") === entry.buildId);
      const headers: Record<string, string> = {
        ...pageHeaders(),
        "Content-Type": file.type,
        "Cache-Control": isFixed ? "public, max-age=31536000, immutable" : "no-cache",
        "Last-Modified": new Date(file.modifiedMs).toUTCString(),
        Vary: "Accept-Encoding",
        ...(file.encoding && { "Content-Encoding": file.encoding }),
      };
      if (isUnchanged(request, file.modifiedMs)) return new Response(null, { status: 304, headers });
      return new Response(new Uint8Array(file.bytes), { headers });
    }
    const plugin = PLUGIN_VIEW.exec(path)?.[1];
    const isPlugin = plugin !== undefined && pluginOf(plugin) !== null;
    if (!isPlugin && NO_VIEW.test(path)) return null;
    const type = mediaType(names.at(-1) ?? "");
    const isView = isEntry || ((type === undefined || type.startsWith("text/html")) && !path.includes("%00"));
    if (!isView || entry === null) return plainText(404, "Not Found", pageHeaders());
    return new Response(entry.html, {
      headers: {
        ...pageHeaders(entry.scripts),
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-cache",
        Vary: "Accept-Encoding",
      },
    });
  }

  /** The entry page, made again when its file or the base path has changed. Null when there is none. */
  private async entry(): Promise<Page | null> {
    const file = await this.folder?.file(["index.html"]);
    if (!file) return null;
    const stamp = `${file.stamp} ${this.basePath}`;
    if (this.made?.stamp !== stamp) {
      const page = makePage(file.bytes.toString("utf8"), { basePath: this.basePath, terminal: false });
      this.made = { stamp, page };
    }
    return this.made.page;
  }

  private openFolder(): UiFolder | null {
    const { root, enabled } = this.options.services.config.current.gateway.controlUi ?? {};
    if (root === undefined || root.trim() === "" || enabled === false) return null;
    const path = resolve(expandHome(root.trim(), process.env.HOME || homedir()));
    if (this.folder?.root !== path) this.folder = new UiFolder(path, this.options.maxFileBytes);
    return this.folder;
  }

  private get basePath(): string {
    return normalBasePath(this.options.services.config.current.gateway.controlUi?.basePath);
  }
}

/** Dates in headers have whole seconds. */
function isUnchanged(request: Request, modifiedMs: number): boolean {
  const since = Date.parse(request.headers.get("if-modified-since") ?? "");
  return Number.isFinite(since) && Math.floor(modifiedMs / 1000) * 1000 <= since;
}

function json(status: number, body: object, caching = "no-cache"): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...pageHeaders(), "Cache-Control": caching, "Content-Type": "application/json; charset=utf-8" },
  });
}
