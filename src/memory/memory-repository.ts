import type { Database } from "bun:sqlite";
import type { Store } from "../store/store.ts";
import type { Chunk } from "./chunks.ts";

export type MemorySource = "memory" | "sessions";

/** What is known of a file or transcript since it was read. */
export interface IndexedFile {
  path: string;
  source: MemorySource;
  sessionKey: string | null;
  isExtra: boolean;
  /** Epoch milliseconds. */
  mtime: number;
  /** Bytes of a file, messages of a transcript. */
  size: number;
  hash: string;
}

/** A piece that was found. */
export interface FoundChunk extends Chunk, Pick<IndexedFile, "path" | "source" | "sessionKey" | "isExtra" | "mtime"> {
  id: number;
}

interface ChunkRow {
  id: number;
  path: string;
  source: MemorySource;
  sessionKey: string | null;
  isExtra: number;
  mtime: number;
  startLine: number;
  endLine: number;
  text: string;
}

const COLUMNS = `memory_chunks.id AS id, path, source, session_key AS sessionKey, is_extra AS isExtra, mtime,
  start_line AS startLine, end_line AS endLine, memory_chunks.text AS text`;
const OF_AGENT = "memory_files.agent_id = $agentId AND source IN (SELECT value FROM json_each($sources))";

/** Which part of what is remembered is searched. */
export interface SearchArea {
  agentId: string;
  sources: readonly MemorySource[];
}

/** Keeps what agents remember in the form in which it is searched. */
export class MemoryRepository {
  constructor(
    private readonly store: Store,
    private readonly limits: { memoryVectors: number },
  ) {}

  files(agentId: string, source: MemorySource): Promise<Map<string, IndexedFile>> {
    const sql = `SELECT path, source, session_key AS sessionKey, is_extra AS isExtra, mtime, size, hash
      FROM memory_files WHERE agent_id = ? AND source = ?`;
    return this.store.read((db) => {
      const rows = db.query<Omit<IndexedFile, "isExtra"> & { isExtra: number }, [string, string]>(sql);
      return new Map(rows.all(agentId, source).map((row) => [row.path, { ...row, isExtra: row.isExtra === 1 }]));
    });
  }

  /** Puts a file with its pieces in the place of what was known of it. */
  replace(agentId: string, file: IndexedFile, chunks: readonly (Chunk & { hash: string })[]): Promise<void> {
    return this.store.write((db) => {
      forget(db, agentId, file.source, file.path);
      const { id } = db
        .query<{ id: number }, (string | number | null)[]>(
          `INSERT INTO memory_files (agent_id, source, path, session_key, is_extra, mtime, size, hash)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
        )
        .get(
          ...[agentId, file.source, file.path, file.sessionKey],
          ...[file.isExtra ? 1 : 0, file.mtime, file.size, file.hash],
        )!;
      const add = db.query("INSERT INTO memory_chunks (file, start_line, end_line, hash, text) VALUES (?, ?, ?, ?, ?)");
      for (const { startLine, endLine, hash, text } of chunks) add.run(id, startLine, endLine, hash, text);
    });
  }

  /** The file is as it was, though its facts have changed. */
  touch(agentId: string, { source, path, mtime, size }: IndexedFile): Promise<void> {
    const sql = "UPDATE memory_files SET mtime = ?, size = ? WHERE agent_id = ? AND source = ? AND path = ?";
    return this.store.write((db) => void db.query(sql).run(mtime, size, agentId, source, path));
  }

  remove(agentId: string, source: MemorySource, paths: readonly string[]): Promise<void> {
    return this.store.write((db) => {
      for (const path of paths) forget(db, agentId, source, path);
    });
  }

  /** Forgets all of an agent that is gone. */
  removeAgent(agentId: string): Promise<void> {
    return this.store.write((db) => void db.query("DELETE FROM memory_files WHERE agent_id = ?").run(agentId));
  }

  /** How many files and pieces of an agent are known. */
  count(agentId: string): Promise<{ files: number; chunks: number }> {
    const sql = `SELECT count(DISTINCT memory_files.id) AS files, count(memory_chunks.id) AS chunks
      FROM memory_files LEFT JOIN memory_chunks ON file = memory_files.id WHERE agent_id = ?`;
    return this.store.read((db) => db.query<{ files: number; chunks: number }, [string]>(sql).get(agentId)!);
  }

  /** Pieces that hold some of the words, those that fit best first, with how well (as BM25 counts it, above 0). */
  byWords(area: SearchArea, words: readonly string[], limit: number): Promise<(FoundChunk & { rank: number })[]> {
    const sql = `SELECT ${COLUMNS}, -bm25(memory_search) AS fit FROM memory_search
      JOIN memory_chunks ON memory_chunks.id = memory_search.rowid JOIN memory_files ON memory_files.id = file
      WHERE memory_search MATCH $match AND ${OF_AGENT} ORDER BY fit DESC LIMIT $limit`;
    const match = words.map((word) => `"${word.replaceAll('"', '""')}"`).join(" OR ");
    return this.store.read((db) => {
      const query = db.query<ChunkRow & { fit: number }, [Record<string, string | number>]>(sql);
      return query.all({ ...areaOf(area), match, limit }).map((row) => ({ ...chunkOf(row), rank: row.fit }));
    });
  }

  /** Pieces that hold a text of a language without spaces between words. */
  byPart(area: SearchArea, part: string, limit: number): Promise<(FoundChunk & { rank: number })[]> {
    const sql = `SELECT ${COLUMNS} FROM memory_files JOIN memory_chunks ON file = memory_files.id
      WHERE ${OF_AGENT} AND instr(text, $part) > 0 LIMIT $limit`;
    return this.store.read((db) => {
      const query = db.query<ChunkRow, [Record<string, string | number>]>(sql);
      return query.all({ ...areaOf(area), part, limit }).map((row) => ({ ...chunkOf(row), rank: 1 }));
    });
  }

  /** Pieces of files whose path holds a word. */
  byPath(area: SearchArea, word: string, limit: number): Promise<FoundChunk[]> {
    const sql = `SELECT ${COLUMNS} FROM memory_files JOIN memory_chunks ON file = memory_files.id
      WHERE ${OF_AGENT} AND instr(lower(path), $word) > 0 ORDER BY path, start_line LIMIT $limit`;
    return this.store.read((db) => {
      const query = db.query<ChunkRow, [Record<string, string | number>]>(sql);
      return query.all({ ...areaOf(area), word, limit }).map(chunkOf);
    });
  }

  byIds(ids: readonly number[]): Promise<FoundChunk[]> {
    const sql = `SELECT ${COLUMNS} FROM memory_chunks JOIN memory_files ON memory_files.id = file
      WHERE memory_chunks.id IN (SELECT value FROM json_each(?))`;
    return this.store.read((db) => db.query<ChunkRow, [string]>(sql).all(JSON.stringify(ids)).map(chunkOf));
  }

  /** Vectors of pieces behind a piece, in the order of their ids, a page of them. */
  vectors(
    area: SearchArea,
    model: string,
    after: number,
    limit: number,
  ): Promise<{ id: number; vector: Uint8Array<ArrayBuffer> }[]> {
    const sql = `SELECT memory_chunks.id AS id, vector FROM memory_chunks
      JOIN memory_files ON memory_files.id = file
      JOIN memory_vectors ON memory_vectors.model = $model AND memory_vectors.hash = memory_chunks.hash
      WHERE memory_chunks.id > $after AND ${OF_AGENT} ORDER BY memory_chunks.id LIMIT $limit`;
    return this.store.read((db) => {
      const query = db.query<{ id: number; vector: Uint8Array<ArrayBuffer> }, [Record<string, string | number>]>(sql);
      return query.all({ ...areaOf(area), model, after, limit });
    });
  }

  /** Texts of an agent that this model has no vectors of. */
  withoutVector(area: SearchArea, model: string, limit: number): Promise<{ hash: string; text: string }[]> {
    const sql = `SELECT memory_chunks.hash AS hash, min(text) AS text FROM memory_chunks
      JOIN memory_files ON memory_files.id = file
      LEFT JOIN memory_vectors ON memory_vectors.model = $model AND memory_vectors.hash = memory_chunks.hash
      WHERE memory_vectors.hash IS NULL AND ${OF_AGENT} GROUP BY memory_chunks.hash LIMIT $limit`;
    return this.store.read((db) => {
      const query = db.query<{ hash: string; text: string }, [Record<string, string | number>]>(sql);
      return query.all({ ...areaOf(area), model, limit });
    });
  }

  /** Keeps vectors; beyond the bound, the oldest that no piece needs make room. */
  keepVectors(
    model: string,
    vectors: readonly { hash: string; vector: Float32Array<ArrayBuffer> }[],
    now: number,
  ): Promise<void> {
    return this.store.write((db) => {
      const add = db.query("INSERT OR REPLACE INTO memory_vectors VALUES (?, ?, ?, ?)");
      for (const { hash, vector } of vectors) add.run(model, hash, new Uint8Array(vector.buffer), now);
      const { n } = db.query<{ n: number }, []>("SELECT count(*) AS n FROM memory_vectors").get()!;
      if (n <= this.limits.memoryVectors) return;
      db.query(
        `DELETE FROM memory_vectors WHERE rowid IN (SELECT rowid FROM memory_vectors
         WHERE hash NOT IN (SELECT hash FROM memory_chunks) ORDER BY made_at LIMIT ?)`,
      ).run(n - this.limits.memoryVectors);
    });
  }
}

const areaOf = ({ agentId, sources }: SearchArea): Record<string, string> => ({
  agentId,
  sources: JSON.stringify(sources),
});

const chunkOf = (row: ChunkRow): FoundChunk => ({
  id: row.id,
  path: row.path,
  source: row.source,
  sessionKey: row.sessionKey,
  isExtra: row.isExtra === 1,
  mtime: row.mtime,
  startLine: row.startLine,
  endLine: row.endLine,
  text: row.text,
});

function forget(db: Database, agentId: string, source: MemorySource, path: string): void {
  db.query("DELETE FROM memory_files WHERE agent_id = ? AND source = ? AND path = ?").run(agentId, source, path);
}
