/**
 * What stands in recordings for values that differ from run to run. A rule is applied to every text, in this order;
 * README.md of the recordings lists the placeholders.
 */
export const TEXT_RULES: readonly (readonly [pattern: RegExp, placeholder: string])[] = [
  // In the reason of a close the identifier is cut off with the rest, at another place for each.
  [/(?<=\(requestId: )[0-9a-f-]{8,36}\)?/g, "<uuid>)"],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, "<uuid>"],
  [/hmac-sha256:v1:[\w-]+/g, "<hash>"],
  [/sha256[:-][\w+/=-]{40,}/g, "<hash>"],
  [/\b[0-9a-f]{64}\b/g, "<hex64>"],
  [/\b[0-9a-f]{40}\b/g, "<hex40>"],
  [/\b[0-9a-f]{32}\b/g, "<hex32>"],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?/g, "<iso>"],
  [/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?Z?/g, "<iso>"],
  [/\b20\d\d-\d\d-\d\d\b/g, "<date>"],
  [/(?<=^Gateway: )\S+(?= \()/g, "<host>"],
  [/\/[^\s"]*\/node_modules\/openclaw\//g, "<install>/"],
  [/\/tmp\/openclaw\//g, "<logdir>/"],
  [/\b(?:127\.0\.0\.1|localhost):\d{2,5}\b/g, "<addr>"],
  [/(?<=\/cap\/)[\w-]{10,}/g, "<secret>"],
  [/\b1[5-9]\d{11}\b/g, "<ms>"],
  [/\b\d+(?:\.\d+)? ?ms\b/g, "<dur>"],
  [/\b\d+ (?=minutes ago\b)/g, "<n> "],
  [/\b\d+[hms](?: \d+[ms])*\b/g, "<dur>"],
  [/\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, [A-Z][a-z]+ \d+[a-z]*, \d{4} - \d+:\d+ [AP]M/g, "<clock>"],
  [/<date> \d\d:\d\d/g, "<clock>"],
  [/\bpid[= ]\d+/g, "pid <n>"],
  [/^[\w-]{43}$/g, "<opaque>"],
  [/\beyJ[\w-]{30,}/g, "<cursor>"],
];

/** Texts under these keys are replaced whole, unless empty. */
export const KEY_PLACEHOLDERS: Readonly<Record<string, string>> = {
  publicKey: "<publicKey>",
  nonce: "<nonce>",
  deltaCursor: "<cursor>",
  nextCursor: "<cursor>",
  beforeCursor: "<cursor>",
  recoveryScope: "<secret>",
  deviceToken: "<secret>",
  reviewToken: "<secret>",
  deviceTokenId: "<id>",
  appliedConfigHash: "<hash>",
  configRevisionHash: "<hash>",
  hash: "<hash>",
  baseHash: "<hash>",
  etag: "<hash>",
  fingerprint: "<hash>",
  buildId: "<build>",
  bootId: "<uuid>",
  connId: "<uuid>",
  ip: "<ip>",
  lanAddress: "<ip>",
  lanIp: "<ip>",
  primaryIp: "<ip>",
  lifecycleRevision: "<rev>",
  machineName: "<host>",
  hostname: "<host>",
  hostName: "<host>",
  release: "<platform>",
  osLabel: "<platform>",
  kernel: "<platform>",
  cpuModel: "<cpu>",
};

/** Words of an implementation, not of the protocol: replaced when they are longer than a label. */
export const PROSE_KEYS: ReadonlySet<string> = new Set([
  "description",
  "help",
  "hint",
  "prompt",
  "fullDescription",
  "summaryText",
  "guidance",
]);
export const LONGEST_LABEL = 24;
/** Any longer text becomes `<text>`. */
export const LONGEST_TEXT = 150;

/** Numbers under keys with these words are measurements and become 0. */
const MEASURED_WHOLE = new Set(
  "pid port size bytes age cursor runtimeMs rss intervalMs remainingMs generation ino diskTotal diskAvail".split(" "),
);
const MEASURED_PART = new RegExp(
  [
    "uptime|Uptime|latency|Latency|duration|Duration|elapsed|Elapsed|delay|utilization|rssMb|heap|loadAverage",
    "contentLength|nextRunIn|MsUntil|memory[A-Z]|cpu[A-Z]|total[A-Z]?Mem|^free",
    "(?:Pid|Port|[aA]geMs|sizeBytes|Bytes|BytesBefore|BytesAfter|Ratio)$",
  ].join("|"),
);

export const isMeasurement = (key: string): boolean => MEASURED_WHOLE.has(key) || MEASURED_PART.test(key);

/** Keys of times that are not in epoch milliseconds, which are known by their size. */
const TIME_KEY = /^(?:ts|created|updated|time|date|mtimeMs)$|(?:At|AtMs|[tT]imestamp|TimestampMs|Until|UntilMs|Date)$/;

export const isTime = (key: string): boolean => TIME_KEY.test(key);

/** Per-connection counters, which depend on what else a gateway was doing. */
export const COUNTERS: ReadonlySet<string> = new Set(["seq", "firstSeq", "lastSeq"]);
