import { createHash } from "node:crypto";
import { LIMITS } from "../../../generated/limits.ts";
import { nestsDeeper } from "../../platform/json.ts";
import type { NewEvent } from "./inbox.ts";

/** What is wrong with a body of a webhook. */
export class BadBatch extends Error {}

/**
 * The events in a body: a list of them, `{events: [...]}`, or one, which may stand in an envelope `{type, data}`.
 * @throws BadBatch when it is no JSON, nests too deep, holds something that is no object, or too many of them
 */
export function eventsIn(body: string, maxEvents: number): NewEvent[] {
  let value: unknown;
  if (nestsDeeper(body, LIMITS.jsonDepth)) throw new BadBatch("the body nests too deep");
  try {
    value = JSON.parse(body);
  } catch {
    throw new BadBatch("the body is not JSON");
  }
  const list = Array.isArray(value) ? value : isObject(value) && Array.isArray(value.events) ? value.events : [value];
  if (list.length > maxEvents) throw new BadBatch(`more than ${maxEvents} events`);
  return list.map((event) => {
    if (!isObject(event)) throw new BadBatch("an event must be an object");
    return { key: keyOf(event), event };
  });
}

/** Names under which services give a delivery an id of its own, which a repetition of it keeps. */
const IDS = ["update_id", "webhookEventId", "event_id", "eventId"];

/**
 * By what an event is known again: its id, else what it says, however it is written. Made from what has been verified, never
 * from how it was sent (KNOWN_ATTACKS 98). The id of a message is none: edits of it have the same one.
 */
function keyOf(event: Record<string, unknown>): string {
  for (const name of IDS) {
    const id = event[name];
    if (typeof id === "string" || typeof id === "number") return hash([name, id]);
  }
  return hash(sorted(event));
}

const hash = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("base64url");

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.keys(value)
    .sort()
    .map((key) => [key, sorted(value[key])]);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
