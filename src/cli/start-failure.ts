import { ConfigError } from "../config/problem.ts";
import { AlreadyRunning } from "../gateway/instance-lock.ts";
import { PortInUse } from "../gateway/open.ts";
import { errorCode } from "../platform/private-file.ts";
import { NewerDatabase } from "../store/migrate.ts";
import { EXIT } from "./command.ts";
import { CliFailure } from "./failure.ts";

/** What the system says no to, and what an operator can do about it. */
const SYSTEM: Readonly<Record<string, string>> = {
  EACCES: "Look at the rights of that file or directory; ports below 1024 need more rights.",
  EPERM: "Look at the rights of that file or directory.",
  EROFS: "Set OPENCLAW_STATE_DIR to a directory that can be written.",
  ENOSPC: "Make room on the disk.",
  ENOTDIR: "Part of that path is a file.",
  EADDRNOTAVAIL: "That address is not one of this machine; look at gateway.customBindHost.",
  SQLITE_CANTOPEN: "Look at the rights of the state directory.",
  SQLITE_FULL: "Make room on the disk.",
  SQLITE_READONLY: "Look at the rights of the state directory and the database in it.",
  SQLITE_IOERR: "The disk could not be read or written.",
  SQLITE_BUSY: "Another program holds the database in the state directory; end it first.",
  SQLITE_CORRUPT: "The database is damaged; restore a backup, or move chela.sqlite away to begin anew.",
  SQLITE_NOTADB: "The database is damaged; restore a backup, or move chela.sqlite away to begin anew.",
};

/** Why a gateway did not start, in words for its operator; what nobody foresaw comes back as it is. */
export function explainStart(error: unknown, program: string): unknown {
  if (error instanceof ConfigError) return new CliFailure(error.message, { exitCode: EXIT.config });
  if (error instanceof NewerDatabase) return new CliFailure(error.message, { exitCode: EXIT.config });
  if (error instanceof AlreadyRunning) {
    const hints = ["Stop it first, pass --force to end it, or use another state directory with --profile <name>."];
    return new CliFailure(error.message, { hints });
  }
  if (error instanceof PortInUse) {
    const hints = [`Choose another with --port, or look who has it: ${program} gateway status --port ${error.port}`];
    return new CliFailure(error.message, { hints });
  }
  const code = errorCode(error) ?? "";
  // SQLite's codes say more behind the second word: SQLITE_IOERR_WRITE, SQLITE_READONLY_DIRECTORY.
  const hint = SYSTEM[code] ?? SYSTEM[/^SQLITE_[A-Z]+/.exec(code)?.[0] ?? ""];
  return hint === undefined ? error : new CliFailure((error as Error).message, { hints: [hint] });
}
