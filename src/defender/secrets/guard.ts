import { type SecretMatch, SecretScanner } from "../../platform/secrets.ts";
import type { ActionGuard } from "../guard.ts";
import type { Action, Finding } from "../types.ts";

/**
 * Finds credentials in what is about to be done: the gateway's own by value in commands, calls of tools and nodes and in
 * messages, and those of any issuer in messages. Addresses are the url guard's.
 * @param secrets the gateway's own, by value
 */
export function credentialGuard(secrets: () => readonly string[]): ActionGuard {
  const scanner = new SecretScanner({ values: secrets, strict: true });
  return {
    name: "credential",
    inspect(action) {
      const matches = scanner.find(textOf(action));
      if (matches.some(isOwn)) return [OWN];
      return action.kind === "outbound-message" && matches.length > 0 ? [FOREIGN] : [];
    },
  };
}

const isOwn = ({ rule }: SecretMatch): boolean => rule === "known-secret";

const OWN: Finding = {
  id: "credential.own",
  score: 95,
  reason: "One of the gateway's own secrets would be given away.",
};
const FOREIGN: Finding = { id: "credential.leaves", score: 60, reason: "A credential would leave the machine." };

/** All that an action carries. */
function textOf(action: Action): string {
  switch (action.kind) {
    case "outbound-message":
      return action.text;
    case "command":
      return [action.command, ...Object.values(action.env ?? {})].join("\n");
    case "tool":
      return textsOf(action.args);
    case "node-invoke":
      return textsOf(action.params);
    default:
      return "";
  }
}

const textsOf = (value: unknown): string => JSON.stringify(value) ?? "";
