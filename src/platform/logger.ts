/** Facts that go with a log line. Values must be safe to write down: no tokens, no message contents. */
export type LogFields = Record<string, unknown>;

/** What every room logs through. `platform/log.ts` writes it to the log file; tests may collect or drop it. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose lines carry this subsystem name, for instance `gateway/ws`. */
  child(subsystem: string): Logger;
}

/** A logger that writes nothing. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
