import { createHash } from "node:crypto";
import type { Clock } from "../platform/clock.ts";
import { PathRefused } from "../platform/fs-safe/refusal.ts";
import { chunksOf } from "./chunks.ts";
import { type FileBounds, type MemoryFile, memoryFiles } from "./files.ts";
import type { IndexedFile, MemoryRepository, MemorySource } from "./memory-repository.ts";
import type { MemorySettings } from "./settings.ts";
import type { MemoryTranscripts } from "./transcripts.ts";

export interface IndexLimits extends FileBounds {
  memoryFileBytes: number;
  memoryChunks: number;
}

export interface IndexerDeps {
  repository: MemoryRepository;
  transcripts: MemoryTranscripts;
  clock: Clock;
  limits: IndexLimits;
}

/** Whose memory is brought up to date. */
export interface IndexedAgent {
  id: string;
  workspace: string;
}

/** Keeps the index of an agent's memory as the files and transcripts are. */
export class Indexer {
  constructor(private readonly deps: IndexerDeps) {}

  /**
   * Reads what has changed since the last time, one file after the other so that other work gets its turn in between.
   * @returns how many files and transcripts were read anew or forgotten
   */
  async sync(agent: IndexedAgent, settings: MemorySettings, signal: AbortSignal): Promise<number> {
    const room = { chunks: this.deps.limits.memoryChunks };
    let changed = await this.syncFiles(agent, settings, room, signal);
    changed += await this.syncTranscripts(agent, settings.sources.has("sessions"), room, signal);
    return changed;
  }

  private async syncFiles(
    agent: IndexedAgent,
    settings: MemorySettings,
    room: { chunks: number },
    signal: AbortSignal,
  ): Promise<number> {
    const { repository, limits } = this.deps;
    const known = await repository.files(agent.id, "memory");
    const isSource = settings.sources.has("memory");
    const files = isSource ? await memoryFiles(agent.workspace, settings.extraPaths, limits) : [];
    const seen = new Set<string>();
    let changed = 0;
    for (const file of files) {
      signal.throwIfAborted();
      const state = await this.syncFile(agent.id, file, known.get(file.path), room);
      if (state === "missing") continue;
      seen.add(file.path);
      if (state === "changed") changed++;
    }
    return changed + (await this.forgetOthers(agent.id, "memory", known, seen));
  }

  private async syncFile(
    agentId: string,
    { path, root, parts, isExtra }: MemoryFile,
    known: IndexedFile | undefined,
    room: { chunks: number },
  ): Promise<"changed" | "same" | "missing"> {
    const { repository, limits } = this.deps;
    try {
      const { handle, facts } = await root.open(parts);
      await handle.close();
      const mtime = Math.trunc(facts.mtimeMs);
      const isSame = known?.mtime === mtime && known.size === facts.size && known.isExtra === isExtra;
      // What was written within the last moment may be written again without another time.
      if (isSame && mtime < this.deps.clock.now() - SETTLED_MS) return "same";
      const { bytes } = await root.read(parts, limits.memoryFileBytes);
      const hash = sha256(bytes);
      const file = { path, source: "memory", sessionKey: null, isExtra, mtime, size: facts.size, hash } as const;
      if (known?.hash === hash && known.isExtra === isExtra) {
        if (!isSame) await repository.touch(agentId, file);
        return "same";
      }
      await this.store(agentId, file, bytes.toString("utf8"), room);
      return "changed";
    } catch (error) {
      // A file that went meanwhile, or that is none of ours: a link, one with a second name, one that is too large.
      if (error instanceof PathRefused) return "missing";
      throw error;
    }
  }

  private async syncTranscripts(
    agent: IndexedAgent,
    isSource: boolean,
    room: { chunks: number },
    signal: AbortSignal,
  ): Promise<number> {
    const { repository, transcripts } = this.deps;
    const known = await repository.files(agent.id, "sessions");
    if (!isSource && known.size === 0) return 0;
    const seen = new Set<string>();
    let changed = 0;
    for (const transcript of isSource ? await transcripts.of(agent.id) : []) {
      signal.throwIfAborted();
      const { path, sessionKey, updatedAt, version, messages } = transcript;
      seen.add(path);
      if (known.get(path)?.hash === version) continue;
      const file: IndexedFile = {
        ...{ path, source: "sessions", sessionKey, isExtra: false },
        ...{ mtime: updatedAt, size: messages, hash: version },
      };
      await this.store(agent.id, file, await transcripts.read(transcript), room);
      changed++;
    }
    return changed + (await this.forgetOthers(agent.id, "sessions", known, seen));
  }

  private async store(agentId: string, file: IndexedFile, text: string, room: { chunks: number }): Promise<void> {
    const chunks = chunksOf(text).slice(0, room.chunks);
    room.chunks -= chunks.length;
    const hashed = chunks.map((chunk) => ({ ...chunk, hash: sha256(chunk.text) }));
    await this.deps.repository.replace(agentId, file, hashed);
  }

  private async forgetOthers(
    agentId: string,
    source: MemorySource,
    known: ReadonlyMap<string, IndexedFile>,
    seen: ReadonlySet<string>,
  ): Promise<number> {
    const gone = [...known.keys()].filter((path) => !seen.has(path));
    if (gone.length > 0) await this.deps.repository.remove(agentId, source, gone);
    return gone.length;
  }
}

/** File systems tell times no finer than this. */
const SETTLED_MS = 2000;

const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");
