import type { Database } from "bun:sqlite";
import { createHash } from "node:crypto";
import { LIMITS } from "../../generated/limits.ts";
import type {
  ArtifactSummary,
  ArtifactsDownloadParams,
  ArtifactsDownloadResult,
  ArtifactsGetResult,
  ArtifactsListParams,
  ArtifactsListResult,
} from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Store } from "../store/store.ts";
import { transcriptOf } from "./transcript-repository.ts";
import type { SessionsPort, TranscriptMessage } from "./types.ts";

export interface ArtifactDeps {
  store: Store;
  agents: Pick<AgentCatalogue, "find">;
  sessions: Pick<SessionsPort, "lookupKey" | "find">;
}

/** Whose files are asked for: a session's, or those of one run. */
interface Place {
  sessionKey: string;
  sessionId?: string;
  runId?: string;
}

interface Artifact {
  summary: ArtifactSummary;
  base64: string;
}

type Query = Pick<ArtifactsDownloadParams, "sessionKey" | "runId" | "taskId" | "agentId" | "messageRole">;

/**
 * The pictures in a session's transcript, as files that clients list and fetch. They are found in the latest
 * {@link LIMITS.artifactMessages} messages; nothing is ever read from a path or an address that a message names.
 */
export class Artifacts {
  constructor(private readonly deps: ArtifactDeps) {}

  /** In order; with `type: "image"` a page of the newest first. @throws GatewayError */
  async list(params: ArtifactsListParams): Promise<ArtifactsListResult> {
    const { type, limit, cursor } = params;
    if (type === undefined && (limit !== undefined || cursor !== undefined)) {
      throw unsupported("limit and cursor require type image");
    }
    const place = await this.place(params);
    if (place === null)
      throw invalidRequest("no session found for artifact query", { type: "artifact_scope_not_found" });
    const found = (await this.find(place, params)).map(({ summary }) => summary);
    if (type === undefined) return { artifacts: found };
    const below = /^[1-9]\d{0,14}$/.test(cursor ?? "") ? Number(cursor) : Number.POSITIVE_INFINITY;
    const newest = found.toReversed().filter(({ messageSeq = 0 }) => messageSeq < below);
    const page = newest.slice(0, limit ?? IMAGE_PAGE);
    const last = page.at(-1)?.messageSeq;
    return { artifacts: page, ...(newest.length > page.length && last !== undefined && { nextCursor: String(last) }) };
  }

  /** @throws GatewayError `artifact not found` */
  async get(params: ArtifactsDownloadParams): Promise<ArtifactsGetResult> {
    return { artifact: (await this.required(params)).summary };
  }

  /** The bytes of one, in base64. @throws GatewayError `artifact not found` */
  async download(params: ArtifactsDownloadParams): Promise<ArtifactsDownloadResult> {
    const { summary, base64 } = await this.required(params);
    return { artifact: summary, encoding: "base64", data: base64 };
  }

  private async required(params: ArtifactsDownloadParams): Promise<Artifact> {
    const { artifactId } = params;
    const place = await this.place(params);
    const found = place === null ? [] : await this.find(place, params);
    const artifact = found.find(({ summary }) => summary.id === artifactId);
    if (!artifact) throw invalidRequest("artifact not found", { type: "artifact_not_found", artifactId });
    return artifact;
  }

  private async place({ sessionKey, runId, taskId, agentId }: Query): Promise<Place | null> {
    const { agents, sessions, store } = this.deps;
    // A task is the run that it came with.
    const run = runId ?? taskId;
    if (sessionKey === undefined && run === undefined) {
      throw unsupported("artifacts require one of sessionKey, runId, or taskId");
    }
    if (agentId !== undefined && !agents.find(agentId)) throw invalidRequest(`Unknown agent id "${agentId}"`);
    const key =
      sessionKey === undefined
        ? await store.read(
            (db) =>
              (db.query("SELECT session_key FROM runs WHERE run_id = ?").get(run!) as { session_key: string } | null)
                ?.session_key,
          )
        : sessions.lookupKey(sessionKey, agentId);
    if (key === undefined) return null;
    return { sessionKey: key, sessionId: (await sessions.find(key))?.sessionId, runId: run };
  }

  private async find(place: Place, { messageRole }: Pick<Query, "messageRole">): Promise<Artifact[]> {
    const { sessionId } = place;
    if (sessionId === undefined) return [];
    const rows = await this.deps.store.read((db) => imageMessages(db, sessionId, place.runId));
    return rows
      .filter(({ role }) => messageRole === undefined || role === messageRole)
      .flatMap((row) => imagesIn(row, place));
  }
}

/** What a page of pictures holds unless told. */
const IMAGE_PAGE = 4;

interface MessageRow {
  seq: number;
  id: string;
  role: string;
  body: string;
}

function imageMessages(db: Database, sessionId: string, runId: string | undefined): MessageRow[] {
  const transcript = transcriptOf(db, sessionId);
  if (transcript === null) return [];
  const rows = db
    .query(
      `SELECT seq, id, role, body FROM messages
       WHERE transcript = ?1 AND seq > ?2 AND instr(body, '"type":"image"') > 0
         AND (?3 IS NULL OR idempotency_key = ?3 || ':user' OR body -> 'meta' ->> 'runId' = ?3)
       ORDER BY seq DESC LIMIT ?4`,
    )
    .all(transcript.id, transcript.messages - LIMITS.artifactMessages, runId ?? null, LIMITS.artifacts);
  return (rows as MessageRow[]).reverse();
}

function imagesIn({ seq, id, body }: MessageRow, { sessionKey, runId }: Place): Artifact[] {
  const { content } = JSON.parse(body) as TranscriptMessage;
  if (typeof content === "string") return [];
  return content.flatMap((part, index) => {
    if (part.type !== "image") return [];
    const name = createHash("sha256").update(`${sessionKey}\0${id}\0${index}`).digest("hex").slice(0, 32);
    const summary: ArtifactSummary = {
      id: `artifact_${name}`,
      type: "image",
      title: "image",
      mimeType: part.mimeType,
      sizeBytes: Buffer.byteLength(part.data, "base64"),
      sessionKey,
      ...(runId !== undefined && { runId }),
      messageSeq: seq,
      source: "session-transcript",
      download: { mode: "bytes" },
    };
    return [{ summary, base64: part.data }];
  });
}

const unsupported = (message: string) => invalidRequest(message, { type: "artifact_query_unsupported" });
