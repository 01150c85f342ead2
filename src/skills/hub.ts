import type { SkillsDetailResult, SkillsSearchParams, SkillsSearchResult } from "../../generated/types.ts";
import { dict, text } from "../models/settings.ts";
import { GatewayError } from "../platform/errors.ts";
import { getSafely, type PostOptions } from "../platform/http-safe.ts";

export interface HubDeps {
  env(): Readonly<Record<string, string | undefined>>;
  limits: { skillHubMs: number; skillHubBytes: number; skillUploadBytes: number };
  /** Finds addresses; tests bring their own. */
  resolve?: PostOptions["resolve"];
}

/** A skill of the registry, as a caller named it. */
export interface SkillReference {
  slug: string;
  owner?: string;
}

const REGISTRY = "https://clawhub.ai";
const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/i;
const DEFAULT_RESULTS = 20;

const unavailable = (message: string): GatewayError => new GatewayError("UNAVAILABLE", message);

/**
 * The registry of skills that the gateway may install from: ClawHub, or what `OPENCLAW_CLAWHUB_URL` names. Only that one
 * address is called, redirects are not followed, and no more is read than allowed.
 */
export class SkillHub {
  constructor(private readonly deps: HubDeps) {}

  /** @throws GatewayError UNAVAILABLE when it does not answer */
  async search({ query, limit = DEFAULT_RESULTS }: SkillsSearchParams): Promise<SkillsSearchResult> {
    const asked = new URLSearchParams({ q: query ?? "", limit: String(limit) });
    const { results } = dict(await this.json(`/api/v1/search?${asked}`));
    const rows = Array.isArray(results) ? results.slice(0, limit) : [];
    return { results: rows.flatMap((row) => searchResult(dict(row)) ?? []) };
  }

  /** @throws GatewayError UNAVAILABLE for a reference that is none, and when the registry does not answer */
  async detail(reference: string): Promise<SkillsDetailResult> {
    const { slug } = parseReference(reference);
    const { skill, latestVersion, owner } = dict(await this.json(`/api/v1/skills/${encodeURIComponent(slug)}`));
    const facts = dict(skill);
    if (!text(facts.slug)) return { skill: null };
    return {
      skill: {
        slug: text(facts.slug)!,
        displayName: text(facts.displayName) ?? slug,
        ...(text(facts.summary) ? { summary: text(facts.summary) } : {}),
        createdAt: whole(facts.createdAt),
        updatedAt: whole(facts.updatedAt),
      },
      latestVersion: versionOf(dict(latestVersion)),
      owner: { handle: text(dict(owner).handle) ?? null, displayName: text(dict(owner).displayName) ?? null },
    };
  }

  /** The archive of a version, the latest unless told. @throws GatewayError UNAVAILABLE */
  async download(reference: string, wanted?: string): Promise<{ slug: string; version: string; archive: Buffer }> {
    const { slug } = parseReference(reference);
    const version = wanted ?? (await this.detail(reference)).latestVersion?.version;
    if (!version) throw unavailable(`Skill not found in the registry: ${slug}`);
    const asked = new URLSearchParams({ slug, version });
    const archive = await this.get(`/api/v1/download?${asked}`, this.deps.limits.skillUploadBytes);
    return { slug, version, archive };
  }

  /** Where it is, for the record of an installation. */
  get registry(): string {
    const env = this.deps.env();
    return (text(env.OPENCLAW_CLAWHUB_URL) ?? text(env.CLAWHUB_URL) ?? REGISTRY).replace(/\/+$/, "");
  }

  private async json(path: string): Promise<unknown> {
    const body = await this.get(path, this.deps.limits.skillHubBytes);
    try {
      return JSON.parse(body.toString("utf8"));
    } catch {
      throw unavailable("the registry's answer is not understood");
    }
  }

  private async get(path: string, maxBytes: number): Promise<Buffer> {
    const { limits, resolve } = this.deps;
    const { registry } = this;
    // Whoever named another registry may have it in his own network; ClawHub's name must lead to the internet.
    const host = URL.parse(registry)?.hostname;
    const policy = registry === REGISTRY || host === undefined ? {} : { allowedHostnames: [host] };
    let answer: Awaited<ReturnType<typeof getSafely>>;
    try {
      answer = await getSafely(registry + path, { policy, timeoutMs: limits.skillHubMs, maxBytes, resolve });
    } catch (error) {
      const { message, code } = error as Error & { code?: string };
      throw unavailable(["fetch failed", message, code].filter(Boolean).join(" | "));
    }
    if (answer.status < 200 || answer.status > 299) throw unavailable(`the registry answered ${answer.status}`);
    return answer.body;
  }
}

/** `@owner/slug` or `slug`. @throws GatewayError UNAVAILABLE for anything else, in upstream's words */
export function parseReference(reference: string): SkillReference {
  const named = reference.trim();
  if (named.startsWith("@")) {
    const [owner = "", slug = "", ...more] = named.slice(1).split("/");
    if (more.length === 0 && SLUG.test(owner) && SLUG.test(slug)) return { owner, slug: slug.toLowerCase() };
    throw unavailable(`Invalid ClawHub skill reference: ${named}`);
  }
  if (!SLUG.test(named)) throw unavailable(`Invalid skill slug: ${named}`);
  return { slug: named.toLowerCase() };
}

function searchResult(row: Record<string, unknown>): SkillsSearchResult["results"][number] | null {
  const slug = text(row.slug);
  if (!slug) return null;
  const owner = text(row.ownerHandle) ?? text(dict(row.owner).handle);
  return {
    score: typeof row.score === "number" ? row.score : 0,
    slug,
    installRef: owner ? `@${owner}/${slug}` : slug,
    displayName: text(row.displayName) ?? slug,
    ...(text(row.summary) ? { summary: text(row.summary) } : {}),
    ...(text(row.version) ? { version: text(row.version) } : {}),
    ...(typeof row.updatedAt === "number" ? { updatedAt: whole(row.updatedAt) } : {}),
  };
}

function versionOf({ version, createdAt, changelog }: Record<string, unknown>): SkillsDetailResult["latestVersion"] {
  const named = text(version);
  if (!named) return null;
  return { version: named, createdAt: whole(createdAt), ...(text(changelog) ? { changelog: text(changelog) } : {}) };
}

const whole = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? Math.trunc(value) : 0);
