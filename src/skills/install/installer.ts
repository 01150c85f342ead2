import { join } from "node:path";
import type { SkillsInstallParams, SkillsInstallResult } from "../../../generated/types.ts";
import type { AgentCatalogue } from "../../agents/catalogue.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { Decision, DefenderPort, Origin } from "../../defender/types.ts";
import { dict } from "../../models/settings.ts";
import type { Clock } from "../../platform/clock.ts";
import { GatewayError, invalidRequest } from "../../platform/errors.ts";
import type { SkillHub } from "../hub.ts";
import type { Skills } from "../skills.ts";
import { placeSkill, skillFiles } from "./folder.ts";
import type { SkillUploads } from "./uploads.ts";
import { type ArchiveFile, type ArchiveLimits, ArchiveRefused, readZip } from "./zip.ts";

interface InstallerDeps {
  config: ConfigPort;
  agents: AgentCatalogue;
  skills: Skills;
  hub: SkillHub;
  uploads: SkillUploads;
  defender: Pick<DefenderPort, "screen" | "judge">;
  clock: Clock;
  limits: {
    skillArchiveEntries: number;
    skillArchiveBytes: number;
    skillArchiveFileBytes: number;
    skillArchiveRatio: number;
  };
}

interface Source {
  slug: string;
  archive: Buffer;
  origin: Origin;
  mayReplace: boolean;
  /** Put beside the files, to know later where they came from. */
  record?: ArchiveFile;
}

const DISABLED = "Uploaded skill archive installs are disabled by skills.install.allowUploadedArchives";
const FOLDER_DEPTH = 12;
/** Where upstream keeps what it knows of a skill of the registry. */
const RECORD = ".clawhub/origin.json";

/**
 * Installs skills into an agent's workspace: from the registry, or from an archive that an administrator uploaded. The
 * archive is unpacked in memory within bounds, its text goes to the defender, and only then are files written, as a whole.
 */
export class SkillInstaller {
  constructor(private readonly deps: InstallerDeps) {}

  /** @throws GatewayError UNAVAILABLE unless the configuration lets archives be uploaded */
  mustAllowUploads(): void {
    if (dict(dict(this.deps.config.current.skills).install).allowUploadedArchives === true) return;
    throw new GatewayError("UNAVAILABLE", DISABLED);
  }

  /** @throws GatewayError when there is no such skill, when the archive is refused, and when the defender refuses it */
  async install(
    params: SkillsInstallParams,
    caller: { deviceId?: string; client: { id: string } },
  ): Promise<SkillsInstallResult> {
    const agent = this.agent(params.agentId);
    const actor = caller.deviceId ?? caller.client.id;
    if (!("source" in params)) return this.runInstaller(agent.id, params.name, params.installId);
    if (params.source === "upload") {
      this.mustAllowUploads();
      const { slug, sha256, archive } = await this.deps.uploads.take(params);
      const source: Source = { slug, archive, origin: "file", mayReplace: params.force === true };
      const targetDir = await this.place(agent.workspace, source, actor);
      return { ...done(slug), slug, targetDir, sha256 };
    }
    const { hub, clock } = this.deps;
    const { slug, version, archive } = await hub.download(params.slug, params.version);
    const record = { version: 1, registry: hub.registry, slug, installedVersion: version, installedAt: clock.now() };
    const source: Source = {
      slug,
      archive,
      origin: "web",
      mayReplace: params.force === true,
      record: { path: RECORD, data: Buffer.from(JSON.stringify(record)) },
    };
    const targetDir = await this.place(agent.workspace, source, actor);
    return { ...done(`${slug}@${version}`), slug, version, targetDir };
  }

  private async place(workspace: string, source: Source, actor: string): Promise<string> {
    try {
      const { limits } = this.deps;
      const bounds: ArchiveLimits = {
        entries: limits.skillArchiveEntries,
        bytes: limits.skillArchiveBytes,
        fileBytes: limits.skillArchiveFileBytes,
        ratio: limits.skillArchiveRatio,
        depth: FOLDER_DEPTH,
      };
      const files = skillFiles(readZip(source.archive, bounds)).filter(({ path }) => path !== RECORD);
      await this.screen(files, source, actor);
      const all = source.record ? [...files, source.record] : files;
      return await placeSkill(join(workspace, "skills"), source.slug, all, source.mayReplace);
    } catch (error) {
      if (error instanceof ArchiveRefused) throw invalidRequest(error.message);
      throw error;
    }
  }

  /**
   * Every file is judged for what it is, and what tells a model what to do also as text from elsewhere. What needs a
   * person's agreement has it: an administrator asks for this very skill.
   * @throws GatewayError when it may not be installed
   */
  private async screen(files: readonly ArchiveFile[], { slug, origin }: Source, actor: string): Promise<void> {
    const { defender } = this.deps;
    for (const { path, data } of files) {
      mustPass(
        await defender.judge({ kind: "install", source: `skill ${slug}`, path, content: data }, { origin, actor }),
      );
      if (!/\.(md|txt)$/i.test(path)) continue;
      mustPass(await defender.screen(data.toString("utf8"), { direction: "inbound", origin, actor }));
    }
  }

  /** @throws GatewayError always: no program is run for an installation yet */
  private async runInstaller(agentId: string, name: string, installId: string): Promise<never> {
    const { skills } = await this.deps.skills.status({ agentId });
    const skill = skills.find((each) => each.name === name || each.skillKey === name);
    if (!skill) throw new GatewayError("UNAVAILABLE", `Skill not found: ${name}`);
    const installers = (skill as { install?: { id: string; bins?: string[] }[] }).install ?? [];
    const installer = installers.find(({ id }) => id === installId);
    if (!installer) throw new GatewayError("UNAVAILABLE", `Installer not found: ${installId}`);
    const what = installer.bins?.join(", ") || name;
    throw new GatewayError("UNAVAILABLE", `This gateway runs no installers yet. Install ${what} by hand.`);
  }

  private agent(id: string | undefined) {
    const { agents } = this.deps;
    const agent = agents.find(id ?? agents.roster.defaultId);
    if (!agent) throw invalidRequest(`unknown agent id "${id}"`);
    return agent;
  }
}

/** @throws GatewayError for what is blocked */
function mustPass({ verdict, findings, id }: Decision): void {
  if (verdict !== "block") return;
  throw invalidRequest(`The defender does not let this skill be installed. ${findings[0]?.reason ?? ""}`.trim(), {
    code: "BLOCKED_BY_DEFENDER",
    decisionId: id,
  });
}

const done = (what: string) => ({ ok: true, message: `Installed ${what}`, stdout: "", stderr: "", code: 0 });
