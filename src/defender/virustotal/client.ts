import type { Reputation, Subject } from "./reputations.ts";

/** Why the service gave no answer. */
export type Refusal = "offline" | "key" | "quota";

/** The service did not answer as it should. */
export class NoAnswer extends Error {
  constructor(readonly refusal: Refusal) {
    super(`no answer: ${refusal}`);
    this.name = "NoAnswer";
  }
}

/** Bytes of an answer; what engines say of a file takes some ten kilobytes. */
const MAX_BYTES = 2 * 1024 * 1024;

/**
 * Asks the service (VirusTotal API v3) what engines said of a file or an address: by hash and by id alone, nothing is
 * given to it. https://docs.virustotal.com/reference/overview
 * @param base without a final slash
 * @throws NoAnswer
 */
export async function ask(subject: Subject, base: string, key: string, timeoutMs: number): Promise<Reputation> {
  const path = subject.kind === "file" ? "files" : "urls";
  const answer = await fetch(`${base}/${path}/${subject.id}`, {
    headers: { "x-apikey": key, accept: "application/json" },
    redirect: "error",
    signal: AbortSignal.timeout(timeoutMs),
  }).catch(() => {
    throw new NoAnswer("offline");
  });
  const { status } = answer;
  if (status === 404) {
    await answer.body?.cancel();
    return { isKnown: false, malicious: 0, suspicious: 0, clean: 0, analysedAt: null };
  }
  if (status !== 200) {
    await answer.body?.cancel();
    throw new NoAnswer(status === 401 || status === 403 ? "key" : status === 429 ? "quota" : "offline");
  }
  return reputationOf(await bodyOf(answer));
}

async function bodyOf(answer: Response): Promise<unknown> {
  try {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body ?? []) {
      size += chunk.length;
      if (size > MAX_BYTES) throw new NoAnswer("offline");
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new NoAnswer("offline");
  }
}

/** @throws NoAnswer for what has not the service's form: it must not count as one that nobody complains of */
function reputationOf(answer: unknown): Reputation {
  const attributes = part(part(answer, "data"), "attributes");
  const stats = part(attributes, "last_analysis_stats");
  if (typeof stats !== "object" || stats === null) throw new NoAnswer("offline");
  const count = (name: string): number => {
    const value = part(stats, name);
    return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
  };
  const seconds = part(attributes, "last_analysis_date");
  return {
    isKnown: true,
    malicious: count("malicious"),
    suspicious: count("suspicious"),
    clean: count("harmless") + count("undetected"),
    analysedAt: typeof seconds === "number" && Number.isFinite(seconds) ? Math.trunc(seconds * 1000) : null,
  };
}

const part = (of: unknown, name: string): unknown =>
  typeof of === "object" && of !== null && Object.hasOwn(of, name) ? (of as Record<string, unknown>)[name] : undefined;
