/** Bounds of calls to model providers. */
export const MODEL_LIMITS = {
  /** Milliseconds until a provider must have begun to answer; local servers read a long prompt first. */
  responseTimeoutMs: 120_000,
  /** Milliseconds without any byte after which a stream is given up. */
  idleTimeoutMs: 120_000,
  /** Bytes of one streamed answer, far above what any model's output limit allows. */
  streamBytes: 64 * 1024 * 1024,
  /** Bytes read of a provider's error page. */
  errorBytes: 64 * 1024,
  /** Characters of a provider's own words that go into an error message. */
  errorChars: 600,
  /** Tokens of an answer when neither request nor model say. Anthropic's API demands a number. */
  answerTokens: 8192,
  /** Tokens assumed for a model whose context window nobody states. */
  contextTokens: 128_000,
  /** Milliseconds that a local server has to list its models. */
  discoveryTimeoutMs: 600,
  /** Milliseconds for which a look around for local servers counts. */
  discoveryCacheMs: 30_000,
  /** Bytes of a local server's list. */
  discoveryBytes: 1024 * 1024,
  /** Models taken from one local server. */
  discoveryModels: 200,
} as const;
