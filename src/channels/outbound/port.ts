/** What a channel can be asked to send. */
export type OutboundContent =
  | {
      kind: "message";
      /** Masked already: no credential is in it. */
      text: string;
      /** Addresses of pictures and files; whoever fetches them goes through `platform/http-safe`. */
      mediaUrls: readonly string[];
      /** A file in the call itself, base64. */
      buffer?: { data: string; filename?: string; contentType?: string };
      options: {
        asVoice?: boolean;
        gifPlayback?: boolean;
        forceDocument?: boolean;
        silent?: boolean;
        parseMode?: "HTML";
      };
    }
  | {
      kind: "poll";
      question: string;
      options: readonly string[];
      maxSelections: number;
      durationSeconds?: number;
      durationHours?: number;
      isAnonymous?: boolean;
      silent?: boolean;
    }
  | { kind: "action"; action: string; params: Readonly<Record<string, unknown>> };

export interface OutboundMessage {
  /**
   * The same at every attempt. After a crash nobody knows whether the last attempt arrived and it is repeated: a channel
   * whose service takes a nonce or a transaction id of the sender gives it this one.
   */
  deliveryId: string;
  accountId: string;
  /** As the caller wrote it, trimmed: a chat id, a number, an address. */
  to: string;
  replyToId?: string;
  threadId?: string;
  content: OutboundContent;
}

/**
 * What the service says of what it has taken; the caller gets it, beside `runId` and `channel` for messages and polls. Those
 * have a `messageId`; often there are `chatId`, `channelId`, `conversationId`, `toJid` or `pollId`, too.
 */
export type Receipt = Record<string, unknown> & { messageId?: string };

/** Why a message has not gone out. `isPermanent` when no later attempt can change that. */
export class DeliveryFailure extends Error {
  readonly isPermanent: boolean;
  /** Milliseconds before which the service does not want to be asked again. */
  readonly retryAfterMs?: number;

  /** @param message is shown to the caller: it must hold no secret */
  constructor(
    message: string,
    { isPermanent = false, retryAfterMs }: { isPermanent?: boolean; retryAfterMs?: number } = {},
  ) {
    super(message);
    this.name = "DeliveryFailure";
    this.isPermanent = isPermanent;
    this.retryAfterMs = retryAfterMs;
  }
}

/** One channel as the outbox sees it. A transport implements this and is given to `Outbound.attach`. */
export interface ChannelPort {
  id: string;
  /** What it can do. An action that is not here is refused before the channel is asked. */
  capabilities: { polls: boolean; actions: ReadonlySet<string> };
  /** How its targets are written, for the refusal of an empty one: `<chatId>`. */
  targetHint: string;
  /**
   * Hands one message to the service. Resolves when the service has taken it.
   * @throws DeliveryFailure with the reason; anything else counts as a failure that may pass
   */
  deliver(message: OutboundMessage, signal: AbortSignal): Promise<Receipt>;
}
