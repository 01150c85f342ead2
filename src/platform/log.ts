import { isatty } from "node:tty";
import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";
import { LogFile } from "./log-file.ts";
import { type ConsoleStyle, consoleLine, fileLine } from "./log-format.ts";
import { cleanFields, cleanText, LOG_LEVELS, type LogLevel, type LogRecord } from "./log-record.ts";
import { LogRedactor } from "./log-redactor.ts";
import { LogSink } from "./log-sink.ts";
import type { LogFields, Logger } from "./logger.ts";

/** What can be changed while the log is written. */
export interface LogSettings {
  /** Lowest level that goes to the file. */
  level: LogLevel;
  /** Lowest level that goes to the console. */
  consoleLevel: LogLevel;
  /** How the console looks; without it `pretty` on a terminal and `compact` elsewhere. */
  consoleStyle?: ConsoleStyle;
  /** The operator's file, absolute; without it one file a day in upstream's directory. */
  file?: string;
  /** Bytes after which a new file begins. */
  maxFileBytes: number;
  /** Regular expressions of further texts to hide. */
  redactPatterns?: readonly string[];
}

export interface LogOptions extends LogSettings {
  /** Name of the profile, part of the daily file's name. */
  profile?: string;
  /** Where people look: descriptors of both streams, or null for none. */
  console: { out: number; err: number } | null;
  /** Overrides what the terminal and `NO_COLOR` say. */
  colour?: boolean;
  redactor?: LogRedactor;
  clock?: Clock;
}

/** Where people look: one of the process's two output streams. */
interface ConsoleStream {
  sink: LogSink;
  terminal: boolean;
  colour: boolean;
}

const rank = (level: LogLevel): number => LOG_LEVELS.indexOf(level);

/**
 * The log of the process: JSON lines in a file for programs, plain lines on the console for people. Secrets and control
 * characters never reach either. Writing happens in the background; `close` waits for it. Never throws.
 */
export class Log implements Logger {
  readonly redactor: LogRedactor;
  private readonly clock: Clock;
  private readonly file: LogFile;
  private readonly fileSink: LogSink;
  private readonly streams: { out: ConsoleStream; err: ConsoleStream } | null;
  private readonly subsystems = new Map<string, Logger>();
  private settings: LogSettings;
  private readonly onExit = (): void => this.flushSync();
  private closed = false;

  constructor(private readonly options: LogOptions) {
    this.settings = options;
    this.redactor = options.redactor ?? new LogRedactor();
    this.clock = options.clock ?? systemClock;
    this.file = new LogFile(this.fileSettings(), this.clock, (problem) => this.fileFailed(problem));
    this.fileSink = new LogSink(this.file, (count) => fileLine(this.droppedRecord(count)));
    const { console } = options;
    this.streams = console && { out: this.consoleStream(console.out), err: this.consoleStream(console.err) };
    this.applyPatterns();
    process.on("exit", this.onExit);
  }

  /** The file that is written to now. */
  get filePath(): string {
    return this.file.path;
  }

  /** Lines that were dropped because a sink was too slow. */
  get dropped(): number {
    return this.fileSink.dropped + (this.streams?.out.sink.dropped ?? 0) + (this.streams?.err.sink.dropped ?? 0);
  }

  /** Takes new settings over from the next line on. */
  configure(settings: LogSettings): void {
    this.settings = settings;
    this.file.configure(this.fileSettings());
    this.applyPatterns();
  }

  debug(message: string, fields?: LogFields): void {
    this.write("debug", "chela", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.write("info", "chela", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.write("warn", "chela", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.write("error", "chela", message, fields);
  }

  child(subsystem: string): Logger {
    let logger = this.subsystems.get(subsystem);
    if (logger === undefined) {
      logger = {
        debug: (message, fields) => this.write("debug", subsystem, message, fields),
        info: (message, fields) => this.write("info", subsystem, message, fields),
        warn: (message, fields) => this.write("warn", subsystem, message, fields),
        error: (message, fields) => this.write("error", subsystem, message, fields),
        child: (name) => this.child(name),
      };
      this.subsystems.set(subsystem, logger);
    }
    return logger;
  }

  /** Waits until everything logged so far is written. */
  async flush(): Promise<void> {
    await Promise.all([this.fileSink.flush(), this.streams?.out.sink.flush(), this.streams?.err.sink.flush()]);
  }

  /** Writes the rest and lets go of the file. Lines logged afterwards are lost. */
  async close(): Promise<void> {
    await this.flush();
    this.closed = true;
    this.file.close();
    process.off("exit", this.onExit);
  }

  /** Writes the rest at once, for a process that ends without further turns of its event loop. */
  flushSync(): void {
    this.fileSink.flushSync();
    this.streams?.out.sink.flushSync();
    this.streams?.err.sink.flushSync();
  }

  private write(level: LogLevel, subsystem: string, message: string, fields?: LogFields): void {
    if (this.closed) return;
    const toFile = rank(level) >= rank(this.settings.level);
    const toConsole = this.streams !== null && rank(level) >= rank(this.settings.consoleLevel);
    if (!toFile && !toConsole) return;
    try {
      const record: LogRecord = {
        time: new Date(this.clock.now()),
        level,
        subsystem: cleanText(subsystem, this.redactor),
        message: cleanText(String(message), this.redactor),
        ...(fields && { fields: this.cleaned(fields) }),
      };
      if (toFile) this.fileSink.push(fileLine(record));
      if (toConsole) this.show(record);
    } catch {
      // Who logs something must not fail because of it.
    }
  }

  private cleaned(fields: LogFields): Record<string, unknown> {
    try {
      return cleanFields(fields, this.redactor);
    } catch {
      return { fields: "<unreadable>" };
    }
  }

  private show(record: LogRecord): void {
    const { sink, terminal, colour } = rank(record.level) >= rank("warn") ? this.streams!.err : this.streams!.out;
    sink.push(consoleLine(record, this.settings.consoleStyle ?? (terminal ? "pretty" : "compact"), colour));
  }

  private fileFailed(problem: string): void {
    if (this.streams === null) return;
    const message = cleanText(`the log file cannot be written: ${problem}`, this.redactor);
    this.show({ time: new Date(this.clock.now()), level: "error", subsystem: "log", message });
  }

  private droppedRecord(count: number): LogRecord {
    const message = `${count} lines were dropped: they came faster than they could be written`;
    return { time: new Date(this.clock.now()), level: "warn", subsystem: "log", message };
  }

  private consoleStream(fd: number): ConsoleStream {
    const terminal = isatty(fd);
    const sink = new LogSink({ descriptor: () => fd }, (count) =>
      consoleLine(this.droppedRecord(count), this.settings.consoleStyle ?? "compact", false),
    );
    return { sink, terminal, colour: this.options.colour ?? wantsColour(terminal) };
  }

  private fileSettings() {
    const { file, maxFileBytes } = this.settings;
    return { file, profile: this.options.profile, maxBytes: maxFileBytes };
  }

  private applyPatterns(): void {
    for (const pattern of this.redactor.setPatterns(this.settings.redactPatterns ?? [])) {
      this.warn("logging.redactPatterns holds a text that is no regular expression; it hides nothing", { pattern });
    }
  }
}

/** On a terminal, unless `NO_COLOR` is set; elsewhere only with `FORCE_COLOR`. */
function wantsColour(terminal: boolean): boolean {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  if (NO_COLOR) return false;
  return FORCE_COLOR !== undefined && FORCE_COLOR !== "" ? FORCE_COLOR !== "0" : terminal;
}
