import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { stat } from "node:fs/promises";

/** The file that is running. */
export interface ExecutableFacts {
  sha256: string;
  bytes: number;
  /** `release` for one file that holds the whole program; `development` for a runtime that was given its source. */
  kind: "release" | "development";
}

/** Also the file that was running before another one took its name. */
const RUNNING = "/proc/self/exe";
const CHUNK_BYTES = 1 << 20;

/** Hashes the running executable, once for each state of the file; it has some hundred megabytes. */
export class Executable {
  private known: { stamp: string; facts: ExecutableFacts } | undefined;
  private hashing: Promise<ExecutableFacts> | undefined;

  constructor(
    private readonly path: string = existsSync(RUNNING) ? RUNNING : process.execPath,
    private readonly kind: ExecutableFacts["kind"] = isRelease() ? "release" : "development",
  ) {}

  async facts(): Promise<ExecutableFacts> {
    this.hashing ??= this.read().finally(() => {
      this.hashing = undefined;
    });
    return this.hashing;
  }

  private async read(): Promise<ExecutableFacts> {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(this.path);
    const stamp = [dev, ino, size, mtimeMs, ctimeMs].join(" ");
    if (this.known?.stamp === stamp) return this.known.facts;
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(this.path, { highWaterMark: CHUNK_BYTES })) hash.update(chunk as Buffer);
    const facts = { sha256: hash.digest("hex"), bytes: size, kind: this.kind };
    this.known = { stamp, facts };
    return facts;
  }
}

/** Whether the program's source lies within the executable. */
const isRelease = (): boolean => import.meta.url.includes("/$bunfs/") || import.meta.url.includes("~BUN");
