import { LIMITS } from "../../generated/limits.ts";
import type { ModelsProbeParams, ModelsProbeResult } from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { type AuthDeps, agentOf } from "./auth.ts";
import { type ModelEntry, providerId } from "./catalogue.ts";
import type { Models } from "./models.ts";
import { refOf } from "./references.ts";
import { type ModelAccount, ModelError, type ModelErrorReason } from "./types.ts";

type Target = ModelsProbeResult["results"][number];
type Status = Target["status"];

/**
 * `models.probe`: asks a provider for a few tokens by each of its accounts, else by its own key, and tells which answered.
 * It costs what the provider takes for that. The accounts' health is left as it is.
 * @throws GatewayError for an unknown agent or a blank name
 */
export async function probe(deps: AuthDeps, params: ModelsProbeParams): Promise<ModelsProbeResult> {
  const agent = agentOf(deps, params.agentId);
  if (params.provider.trim() === "" || params.profileId?.trim() === "")
    throw invalidRequest("provider and profileId must not be blank");
  const { models, accounts } = deps;
  const id = providerId(params.provider);
  const profiles = await accounts.profilesOf(agent, id);
  const wanted = params.profileId === undefined ? profiles : profiles.filter(({ id: own }) => own === params.profileId);
  const entry = await probed(models, id);
  if (wanted.length === 0) {
    const provider = models.providers().get(id);
    const hasKey = provider !== undefined && (provider.configured || models.credential(provider).kind === "key");
    if (params.profileId !== undefined || !hasKey || !entry) {
      return {
        provider: id,
        status: "unknown",
        error: "No probe targets are available for this provider.",
        results: [],
      };
    }
    const result = await ask(models, entry, undefined, params.timeoutMs);
    return summary(id, [{ label: `Provider key · ${refOf(entry)}`, ...result }]);
  }
  const results: Target[] = [];
  const order = entry ? await accounts.forCall((await models.resolve(refOf(entry)))!, { agentId: agent }) : [];
  for (const { id: profileId } of wanted) {
    if (!entry) {
      const error = "No model is available for this provider. Configure a model, then retry.";
      results.push({ profileId, label: `Profile ${profileId}`, status: "no_model", error });
      continue;
    }
    const label = `Profile ${profileId} · ${refOf(entry)}`;
    const account = order.find((each) => each.profileId === profileId);
    results.push({
      profileId,
      label,
      ...(account ? await ask(models, entry, account, params.timeoutMs) : { status: "auth", error: NOT_USABLE }),
    });
  }
  return summary(id, results);
}

const NOT_USABLE = "The profile has no usable credential, or the order of profiles leaves it out.";

/** The provider's first configured or listed model. */
async function probed(models: Models, provider: string): Promise<ModelEntry | undefined> {
  await models.discover();
  return models.providers().get(provider)?.models.values().next().value;
}

const STATUS: Partial<Record<ModelErrorReason, Status>> = {
  auth: "auth",
  auth_permanent: "auth",
  billing: "billing",
  rate_limit: "rate_limit",
  overloaded: "rate_limit",
  timeout: "timeout",
  format: "format",
};

/** Provider words are left out: they may quote the request. */
const WORDS: Partial<Record<Status, string>> = {
  auth: "The provider refused the credential.",
  billing: "The provider's credit or quota is used up.",
  rate_limit: "The provider is limiting requests.",
  timeout: "The provider did not answer in time.",
  format: "The provider refused the request.",
};

async function ask(
  models: Models,
  entry: ModelEntry,
  account: ModelAccount | undefined,
  timeoutMs: number = LIMITS.modelProbeTimeoutMs,
): Promise<Pick<Target, "status" | "latencyMs" | "error">> {
  const model = (await models.resolve(refOf(entry)))!;
  const from = performance.now();
  const stop = AbortSignal.timeout(Math.min(timeoutMs, LIMITS.modelProbeTimeoutMs));
  const request = {
    model,
    system: "",
    messages: [{ role: "user" as const, content: "Reply with OK." }],
    maxTokens: 16,
  };
  let status: Status = "ok";
  try {
    const credential = await account?.credential();
    for await (const _ of models.stream({ ...request, signal: stop, ...(credential ? { credential } : {}) })) {
      // What it says does not matter.
    }
  } catch (error) {
    status = stop.aborted ? "timeout" : (error instanceof ModelError && STATUS[error.facts.reason]) || "unknown";
  }
  const latencyMs = Math.round(performance.now() - from);
  return status === "ok"
    ? { status, latencyMs }
    : { status, latencyMs, error: WORDS[status] ?? "The connection probe failed." };
}

function summary(provider: string, results: Target[]): ModelsProbeResult {
  const shown = results.find(({ status }) => status === "ok") ?? results[0]!;
  const { status, latencyMs } = shown;
  const error = status === "no_model" ? "No model is available for this provider." : shown.error;
  return {
    provider,
    status,
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(error === undefined ? {} : { error }),
    results,
  };
}
