import { LIMITS } from "../../generated/limits.ts";
import type { ConfigPort } from "../config/types.ts";
import { OutboundRefused, type PostOptions, postSafely } from "../platform/http-safe.ts";
import type { Logger } from "../platform/logger.ts";
import { given } from "./job.ts";

export interface WebhookDeps {
  config: ConfigPort;
  log: Logger;
  /** Finds the addresses of receivers; tests bring their own. */
  resolve?: PostOptions["resolve"];
}

/**
 * Posts a body to a job's webhook, with the configured token and within the configured policy, once.
 * @returns why it was not taken, or null when it was
 */
export async function postToWebhook(
  to: string,
  body: object,
  { config, log, resolve }: WebhookDeps,
): Promise<string | null> {
  const { webhookToken, webhookSsrfPolicy } = config.current.cron ?? {};
  try {
    const code = await postSafely(to, JSON.stringify(body), {
      ...given({ policy: webhookSsrfPolicy, resolve }),
      headers: webhookToken ? { authorization: `Bearer ${webhookToken}` } : {},
      timeoutMs: LIMITS.cronWebhookTimeoutMs,
    });
    return code >= 200 && code < 300 ? null : `The receiver answered HTTP ${code}`;
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    if (thrown instanceof OutboundRefused) log.warn("a webhook of a job may not be called", { reason });
    return reason;
  }
}

/** True for an address that a webhook may have: http or https, and no name or password in it. */
export function isWebhookUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
}
