import type { AuditRunInspectResult } from "../../generated/types.ts";

type Identity = Extract<AuditRunInspectResult["identity"], { state: "unknown" | "unsupported" }>;

/**
 * What can be said of a run or an execution. As whom something was executed is not recorded, so no execution is known,
 * and of a known run the identity is not supported (codes as measured on 2026.9.6).
 */
export function inspection(asked: { runId?: string; executionId?: string; isKnown?: boolean }): AuditRunInspectResult {
  const { runId, executionId, isKnown = false } = asked;
  const identity = isKnown ? UNSUPPORTED : runId === undefined ? NO_EXECUTION : NO_RUN;
  return {
    schemaVersion: 1,
    run: {
      ...(runId !== undefined && { runId }),
      ...(executionId !== undefined && { executionId }),
      status: isKnown ? "known" : "unknown",
    },
    identity,
    decisionDisplays: [],
    coverage: { state: identity.state, missingEvidence: identity.missingEvidence },
  };
}

const NO_RUN: Identity = {
  state: "unknown",
  reasonCode: "run_not_found",
  missingEvidence: ["run.record", "identity.context"],
  remediation: [
    { code: "verify_run_id", text: "Check the id of the run. The ledger keeps a limited number of lines." },
  ],
};

const NO_EXECUTION: Identity = {
  state: "unknown",
  reasonCode: "execution_not_found",
  missingEvidence: ["identity.context"],
  remediation: [
    { code: "verify_execution_id", text: "This gateway records no executions; look for the run by its id." },
  ],
};

const UNSUPPORTED: Identity = {
  state: "unsupported",
  reasonCode: "identity_context_unavailable",
  missingEvidence: ["identity.context"],
  remediation: [{ code: "identity_not_recorded", text: "This gateway does not record as whom a run was executed." }],
};
