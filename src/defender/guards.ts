import { commandGuard } from "./command/guard.ts";
import type { ActionGuard, Guard } from "./guard.ts";
import { promptGuard } from "./prompt/guard.ts";
import { urlGuard } from "./url/guard.ts";

/** What inbound text is shown to, in this order. */
export const TEXT_GUARDS: readonly Guard[] = [promptGuard];

/** What actions are shown to. @param secrets the gateway's own, by value */
export const actionGuards = (secrets: () => readonly string[]): readonly ActionGuard[] => [
  commandGuard,
  urlGuard(secrets),
];
