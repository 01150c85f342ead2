import type { Invocation } from "./command.ts";

/** The commands of `defend policy`, each loaded when it runs. */
export async function run(invocation: Invocation): Promise<number> {
  switch (invocation.command.path) {
    case "defend policy keygen":
      return (await import("./defend-policy-keys.ts")).keygen(invocation);
    case "defend policy rotate":
      return (await import("./defend-policy-keys.ts")).rotate(invocation);
    case "defend policy sign":
      return (await import("./defend-policy-bundles.ts")).sign(invocation);
    case "defend policy stage":
      return (await import("./defend-policy-bundles.ts")).stage(invocation);
    default:
      return (await import("./defend-policy-bundles.ts")).verify(invocation);
  }
}
