import { statSync } from "node:fs";
import type { SessionsStorageStatusResult } from "../../generated/types.ts";
import type { Sessions } from "./sessions.ts";

/**
 * `sessions.storage.status`: how much of the disk sessions take. All agents share one database here, so each names the
 * same file. Ended transcripts stay in it as well; nothing is moved to archives, and no maintenance of that kind runs.
 */
export async function storageStatus(sessions: Sessions): Promise<SessionsStorageStatusResult> {
  const { storePath } = sessions;
  const counts = await sessions.transcripts.countByAgent();
  const [databaseBytes, walBytes] = [bytesOf(storePath), bytesOf(`${storePath}-wal`)];
  return {
    agents: sessions.agents.roster.agents.map(({ id }) => ({
      agentId: id,
      storePath,
      hotTranscripts: counts.get(id) ?? 0,
      coldTranscripts: 0,
      embeddedArchiveBytes: 0,
      databaseBytes,
      walBytes,
      archiveBytes: 0,
    })),
    maintenance: {
      running: false,
      lastStartedAt: null,
      lastCompletedAt: null,
      lastError: null,
      archivedTranscripts: 0,
      externalizedTranscripts: 0,
    },
  };
}

/** 0 for a file that is not there, as the write-ahead log of a database that rests. */
const bytesOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
