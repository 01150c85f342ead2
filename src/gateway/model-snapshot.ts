import type { ConnectParams, ModelsListAnswer, ModelsListRequest, ModelsSnapshotEvent } from "../../generated/types.ts";
import { agentId } from "../agents/roster.ts";
import { GatewayError } from "../platform/errors.ts";
import { toJson } from "../platform/json.ts";
import type { Connection } from "./connection.ts";
import type { Dispatcher } from "./dispatch.ts";
import { errorFrame } from "./frames.ts";

/** The capability by which gateway and page tell each other that they know the event `models.snapshot`. */
export const MODEL_SNAPSHOT = "model-catalog-snapshot";

type Target = NonNullable<ConnectParams["modelCatalog"]>;
type Scope = Pick<ModelsListRequest, "agentId" | "sessionKey">;

/**
 * Sends the Control UI the models of the conversation that it opens with, which saves it a call: one `models.snapshot`
 * without a `seq`, right after hello. What it may see is judged as if it had called `models.list` itself; a refusal
 * comes as the answer to a request that nobody made (measured on 2026.9.6). Other clients get nothing.
 */
export async function sendModelSnapshot(
  dispatcher: Dispatcher,
  connection: Connection,
  target: ConnectParams["modelCatalog"],
): Promise<void> {
  const { caller } = connection;
  if (target === undefined || caller?.client.id !== "openclaw-control-ui" || !caller.caps.has(MODEL_SNAPSHOT)) return;
  const scope = await attempt(connection, "catalog-session", () => scopeOf(dispatcher, connection, target));
  if (!scope) return;
  const params = { ...scope, view: "configured" };
  const catalog = await attempt(connection, "catalog", () =>
    call<ModelsListAnswer>(dispatcher, connection, "models.list", params),
  );
  if (!catalog) return;
  const payload: ModelsSnapshotEvent = { target, scope, catalog };
  connection.send(`{"type":"event","event":"models.snapshot","payload":${toJson(payload)}}`);
}

/** The agent or session whose models are meant: the default agent's when an unknown one is named. */
async function scopeOf(dispatcher: Dispatcher, connection: Connection, target: Target): Promise<Scope | null> {
  if ("shortId" in target) {
    const found = await call<{ ok: boolean; key?: string; agentId?: string }>(
      dispatcher,
      connection,
      "sessions.resolve",
      target,
    );
    return found.ok ? { agentId: found.agentId, sessionKey: found.key } : null;
  }
  if ("sessionKey" in target && target.sessionKey !== undefined) return target;
  const { agents } = connection.context!;
  const named = target.agentId === undefined ? undefined : agents.find(agentId(target.agentId));
  return { agentId: named?.id ?? agents.roster.defaultId };
}

const call = <T>(dispatcher: Dispatcher, connection: Connection, method: string, params: object): Promise<T> =>
  dispatcher.invoke(connection.caller!, connection.context!, method, params) as Promise<T>;

async function attempt<T>(connection: Connection, id: string, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    connection.send(errorFrame(`${id}:${connection.id}`, error));
    return null;
  }
}
