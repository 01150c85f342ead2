import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { EVENTS, type EventName, type EventSpec } from "../../generated/events.ts";
import { Samples } from "../../scripts/codegen/samples/read.ts";
import { StateVersions } from "../system/versions.ts";
import { Broadcaster } from "./broadcast.ts";
import type { Connection } from "./connection.ts";
import { ALL_SCOPES } from "./testing.ts";

const samples = new Samples(join(import.meta.dir, "..", ".."));
const SESSION = "agent:main:main";

interface Listener {
  role: "operator" | "node";
  scope: string | null;
  subscribed: boolean;
  heard: string[];
}

/** An open connection as far as the broadcaster sees it. */
function connection({ role, scope, subscribed, heard }: Listener): Connection {
  return {
    id: `${role} ${scope}`,
    state: "open",
    caller: { role, scopes: new Set(scope === null ? [] : [scope]), caps: new Set() },
    subscribedToSessions: subscribed,
    subscribedMessages: new Set(subscribed ? [SESSION] : []),
    sendEvent: (head: string) => {
      heard.push(JSON.parse(`${head}1}`).event);
      return true;
    },
  } as unknown as Connection;
}

/** Besides itself and operator.admin. */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  "operator.read": ["operator.write"],
  "operator.talk": ["operator.write"],
};

function mayHear(spec: EventSpec, { role, scope, subscribed }: Listener): boolean {
  if (spec.roles !== "any" && spec.roles !== role) return false;
  if (spec.subscription !== null && !subscribed) return false;
  if (spec.scope === null || role === "node") return true;
  return scope === spec.scope || scope === "operator.admin" || (WIDER[spec.scope] ?? []).includes(scope ?? "");
}

describe("an event reaches who may have it, by role, scope and subscription", () => {
  for (const [name, spec] of Object.entries(EVENTS as Readonly<Record<string, EventSpec>>)) {
    test(name, () => {
      const listeners: Listener[] = [true, false].flatMap((subscribed) => [
        ...[null, ...ALL_SCOPES].map((scope): Listener => ({ role: "operator", scope, subscribed, heard: [] })),
        { role: "node", scope: null, subscribed, heard: [] },
      ]);
      const broadcaster = new Broadcaster({ connections: listeners.map(connection), versions: new StateVersions() });
      const payload = samples.of(spec.payload).valid[0];
      broadcaster.publish({ event: name as EventName, payload, audience: { sessionKey: SESSION } } as never);
      for (const listener of listeners) {
        const { role, scope, subscribed, heard } = listener;
        expect([role, scope, subscribed, heard.length]).toEqual([
          role,
          scope,
          subscribed,
          Number(mayHear(spec, listener)),
        ]);
      }
    });
  }
});
