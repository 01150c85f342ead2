import { commandGuard } from "./command/guard.ts";
import { fileGuard } from "./file/guard.ts";
import type { ActionGuard, Guard } from "./guard.ts";
import { promptGuard } from "./prompt/guard.ts";
import { credentialGuard } from "./secrets/guard.ts";
import { taintGuard } from "./taint/guard.ts";
import { urlGuard } from "./url/guard.ts";

/** What inbound text is shown to, in this order. */
export const TEXT_GUARDS: readonly Guard[] = [promptGuard];

export interface ActionGuardDeps {
  /** The gateway's own secrets, by value. */
  secrets: () => readonly string[];
  /** The gateway's own folder, absolute. */
  stateDir: string;
}

/** What actions are shown to. */
export const actionGuards = ({ secrets, stateDir }: ActionGuardDeps): readonly ActionGuard[] => [
  commandGuard,
  urlGuard(secrets),
  fileGuard(stateDir),
  credentialGuard(secrets),
  taintGuard,
];
