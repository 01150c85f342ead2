import { readdirSync } from "node:fs";
import { join } from "node:path";

/** How a case's connection says hello; what is absent takes the defaults of {@link connectParams}. */
export interface ConnectSpec {
  minProtocol?: number;
  maxProtocol?: number;
  client?: Record<string, string>;
  role?: string;
  scopes?: string[];
  caps?: string[];
  commands?: string[];
  permissions?: Record<string, boolean>;
  auth?: Record<string, string>;
  /** Name of one of the fixed device identities. */
  device?: string;
  signatureVersion?: "v1" | "v2" | "v3";
  /** Spoils the device block: fields replaced, left out, or the time of signing moved by milliseconds. */
  deviceOverride?: Record<string, unknown> & { signedAtOffset?: number; omit?: string[] };
  /** Params left out of `connect`. */
  omit?: string[];
}

/** One step of a case that drives a socket of its own. */
export interface RawStep {
  connect?: ConnectSpec;
  /** Request id of `connect`, `1` unless told. */
  id?: string;
  send?: unknown;
  text?: string;
  binary?: string;
  /** Sends a `connect` padded with this many characters. */
  padded?: number;
  untilRes?: string;
  /** Milliseconds. */
  wait?: number;
}

/** An event to wait for after the answer. `where` holds JSON pointers without the leading slash. */
export interface EventWish {
  event: string;
  where?: Record<string, unknown>;
  /** Record all events of these names, of one run when `runId` is given, `settleMs` after the awaited one. */
  collect?: string[];
  runId?: string;
  settleMs?: number;
  save?: Record<string, string>;
}

/** One recorded request. The keys are explained in fixtures/recordings/README.md. */
export interface ParityCase {
  id: string;
  family: string;
  method?: string;
  params?: unknown;
  as?: string;
  connect?: ConnectSpec;
  save?: Record<string, string>;
  expectEvents?: (string | EventWish)[];
  eventTimeoutMs?: number;
  eventsOn?: string;
  expectFinal?: boolean;
  async?: boolean;
  await?: string;
  disconnect?: string;
  delayMs?: number;
  settleMs?: number;
  raw?: RawStep[];
  /** A raw case is over after this many answers. */
  frames?: number;
  /** The file it was read from. The cases of a file were recorded in one go, over connections that ended with it. */
  file?: string;
}

export interface RecordedError {
  code: string;
  message: string;
  details?: unknown;
  retryable?: boolean;
  retryAfterMs?: number;
}

export interface RecordedEvent {
  event: string;
  stateVersion?: string;
  payload?: unknown;
  missing?: boolean;
}

/** What a gateway did with a case, with placeholders for all that changes from run to run. */
export interface ParityRecord {
  id: string;
  family: string;
  method: string;
  ok: boolean;
  payload?: unknown;
  /** Sorted `path:type` lines in place of a payload too large to keep. */
  payloadPaths?: string[];
  error?: RecordedError;
  ack?: unknown;
  events?: RecordedEvent[];
  async?: boolean;
  /** The `connect` of the case's connection was refused. */
  connectFailed?: boolean;
  /** Nothing could be recorded, and why. */
  harnessError?: string;
}

/** The folder with `cases/` and a folder of answers per release. */
export const RECORDINGS = join(import.meta.dir, "../../fixtures/recordings");
/** The release that the answers come from. */
export const RECORDED_RELEASE = "2026.9.6";

/** Recorded cases in the order in which they were run. `only` picks files by the start of their names. */
export async function readCases(only?: string, folder = join(RECORDINGS, "cases")): Promise<ParityCase[]> {
  const files = await readFiles<ParityCase>(folder, only);
  return files.flatMap(({ file, lines }) => lines.map((line) => ({ ...line, file })));
}

/** Recorded answers by case id. */
export async function readRecords(folder = join(RECORDINGS, RECORDED_RELEASE)): Promise<Map<string, ParityRecord>> {
  const files = await readFiles<ParityRecord>(folder);
  return new Map(files.flatMap(({ lines }) => lines).map((record) => [record.id, record]));
}

async function readFiles<T>(folder: string, only = ""): Promise<{ file: string; lines: T[] }[]> {
  const files = readdirSync(folder).filter((file) => file.endsWith(".jsonl") && file.startsWith(only));
  const read = async (file: string) => ({
    file,
    lines: Bun.JSONL.parse(await Bun.file(join(folder, file)).text()) as T[],
  });
  return Promise.all(files.sort().map(read));
}
