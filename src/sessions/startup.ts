import type {
  ChatHistoryResult,
  ChatMetadataResult,
  ChatStartupParams,
  ChatStartupResult,
} from "../../generated/types.ts";
import { chatHistory } from "./history.ts";
import type { Viewer } from "./list.ts";
import { resolveSession } from "./resolve.ts";
import type { Sessions } from "./sessions.ts";

/**
 * `chat.startup`: what a client shows first of a session, named by key or by the short id in its address. It leaves out
 * what depends on the model's thinking, as upstream does while its catalogue is not ready; `chat.metadata` and
 * `sessions.describe` follow with it. A short id also brings the composer's metadata.
 * @throws GatewayError as `chat.history` and `sessions.resolve` do
 */
export async function chatStartup(
  sessions: Sessions,
  params: ChatStartupParams,
  viewer: Viewer,
  metadata: (agentId: string) => Promise<ChatMetadataResult>,
): Promise<ChatStartupResult> {
  if (!("shortId" in params)) return withoutThinking(await chatHistory(sessions, params, viewer));
  const { agentId, shortId, slugHint, ...page } = params;
  const resolution = await resolveSession(sessions, { agentId, shortId, slugHint, allowMissing: true });
  if (!resolution.ok) return { resolution };
  const history = withoutThinking(await chatHistory(sessions, { sessionKey: resolution.key, ...page }, viewer));
  if (!("sessionKey" in history)) return history;
  return { ...history, metadata: await metadata(resolution.agentId), resolution };
}

function withoutThinking(result: ChatHistoryResult): ChatHistoryResult {
  if (!("sessionKey" in result)) return result;
  const { thinkingLevel: _level, ...page } = result;
  return { ...page, defaults: withoutLevels(page.defaults), sessionInfo: withoutLevels(page.sessionInfo) };
}

function withoutLevels<T extends { thinkingLevels?: unknown; thinkingOptions?: unknown; thinkingDefault?: unknown }>(
  facts: T,
): T {
  const { thinkingLevels: _levels, thinkingOptions: _options, thinkingDefault: _default, ...rest } = facts;
  return rest as T;
}
