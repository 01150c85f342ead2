import { closeSync, constants, fstatSync, openSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import type { Clock } from "./clock.ts";
import { archivePath, dayPrefix, type LogPlace, logFilePath, prepareFolder } from "./log-path.ts";
import type { SinkTarget } from "./log-sink.ts";

/** After a failure to open, this long nothing is tried, milliseconds. */
const RETRY_MS = 5000;
/** Daily files older than this are removed when a new one begins, milliseconds; upstream keeps them as long. */
const KEEP_MS = 24 * 3600_000;

export interface LogFileSettings extends LogPlace {
  /** Size beyond which a new file begins; 0 for none. */
  maxBytes: number;
}

/** The file that log lines go to: another one each day, another one when it is full. */
export class LogFile implements SinkTarget {
  private open: { path: string; fd: number } | undefined;
  private retryAt = 0;

  constructor(
    private settings: LogFileSettings,
    private readonly clock: Clock,
    /** Told once per cause that the file cannot be written. */
    private readonly onProblem: (message: string) => void,
  ) {}

  configure(settings: LogFileSettings): void {
    this.settings = settings;
    this.retryAt = 0;
  }

  /** The file that lines written now go to. */
  get path(): string {
    return logFilePath(this.settings, new Date(this.clock.now()));
  }

  descriptor(bytes: number): number | null {
    const now = this.clock.now();
    if (now < this.retryAt) return null;
    try {
      const { path } = this;
      if (this.open !== undefined && (this.open.path !== path || !isStillAt(path, this.open.fd))) this.close();
      this.open ??= this.begin(path);
      const { size } = fstatSync(this.open.fd);
      const { maxBytes } = this.settings;
      if (maxBytes > 0 && size > 0 && size + bytes > maxBytes) {
        this.close();
        rotate(path);
        this.open = this.begin(path);
      }
      return this.open.fd;
    } catch (error) {
      this.close();
      this.retryAt = now + RETRY_MS;
      this.onProblem((error as Error).message);
      return null;
    }
  }

  close(): void {
    if (this.open !== undefined) closeSync(this.open.fd);
    this.open = undefined;
  }

  private begin(path: string): { path: string; fd: number } {
    const chosen = this.settings.file !== undefined;
    prepareFolder(path, chosen);
    if (!chosen) removeOldDays(dirname(path), dayPrefix(this.settings.profile), this.clock.now());
    const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
    const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | (chosen ? 0 : O_NOFOLLOW), 0o600);
    if (fstatSync(fd).isFile()) return { path, fd };
    closeSync(fd);
    throw new Error(`${path} is not a regular file`);
  }
}

/** False when somebody removed or renamed the file, as another process does that rotates the same one. */
function isStillAt(path: string, fd: number): boolean {
  return statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
}

/** `a.log` becomes `a.1.log`, that `a.2.log`, and so on; the oldest goes. */
function rotate(path: string): void {
  rmSync(archivePath(path, LIMITS.logArchives), { force: true });
  for (let number = LIMITS.logArchives - 1; number >= 0; number--) {
    const from = number === 0 ? path : archivePath(path, number);
    try {
      renameSync(from, archivePath(path, number + 1));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

function removeOldDays(folder: string, prefix: string, now: number): void {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(prefix) || !/^\d{4}-\d\d-\d\d(\.\d+)?\.log$/.test(name.slice(prefix.length))) continue;
    const path = join(folder, name);
    try {
      if (now - statSync(path).mtimeMs > KEEP_MS) rmSync(path, { force: true });
    } catch {
      // Another gateway removed it first.
    }
  }
}
