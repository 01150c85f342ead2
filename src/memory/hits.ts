import type { MemorySearchHit } from "../../generated/types.ts";
import { clip } from "../sessions/names.ts";
import type { RankedChunk } from "./ranking.ts";

/** Upstream's bound of what a hit shows of a text. */
const SNIPPET_CHARS = 700;

/** A hit as clients and agents are shown it. What comes from beside the workspace may be anybody's. */
export function hitOf(chunk: RankedChunk): MemorySearchHit {
  const { path, startLine, endLine, score, vectorScore, textScore, text, source, isExtra, mtime, sessionKey } = chunk;
  return {
    path,
    startLine,
    endLine,
    score,
    ...(vectorScore === undefined ? {} : { vectorScore }),
    textScore,
    snippet: clip(text, SNIPPET_CHARS),
    source,
    provenance: {
      originClass: isExtra ? "untrusted" : "agent",
      sessionKind: sessionKey === null ? "unknown" : sessionKey.includes(":subagent:") ? "subagent" : "interactive",
      observedAt: mtime,
    },
  };
}
