import type { Services } from "./services.ts";

/** What must have been done before the gateway listens: settles what the last stop or crash left. */
export async function prepareServices(services: Services): Promise<void> {
  await services.suspension.start();
  await services.stability.phase("services.start", () => settle(services));
}

async function settle(services: Services): Promise<void> {
  const {
    runs,
    audit,
    approvals,
    questions,
    scheduler,
    outbound,
    configWriter,
    chatMetadata,
    hooks,
    skillUploads,
    log,
  } = services;
  await runs.recover();
  await services.subagents.start();
  await audit.start();
  await approvals.start();
  await approvals.abandonRuns();
  await questions.start();
  await scheduler.start();
  await outbound.deliveries.start();
  await services.replies.start();
  await skillUploads.forgetOld();
  services.hostGuard.start();
  services.childWatch.start(services.processes);
  await configWriter.reportLast(log);
  await chatMetadata.start();
  for (const warning of hooks.warnings) log.warn(warning);
  await services.sandboxes.report();
}

/** What must end before the sockets do: clients still hear how their runs ended, and what is left is stored. */
export async function stopServices(services: Services): Promise<void> {
  const { runs, approvals, questions, scheduler, outbound, suspension, nodeInvokes, processes, mcp } = services;
  suspension.stop();
  nodeInvokes.stop();
  scheduler.halt();
  approvals.stop();
  questions.stop();
  await runs.stop();
  await processes.stop();
  services.childWatch.stop();
  await services.hostGuard.stop();
  await mcp.stop();
  await services.memory.stop();
  await scheduler.stop();
  await outbound.deliveries.stop();
}
