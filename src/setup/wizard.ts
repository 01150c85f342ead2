import { LIMITS } from "../../generated/limits.ts";
import type {
  WizardNextParams,
  WizardNextResult,
  WizardStartParams,
  WizardStartResult,
  WizardStatusResult,
  WizardStep,
} from "../../generated/types.ts";
import type { Tree } from "../config/json5.ts";
import { mergePatch } from "../config/merge-patch.ts";
import type { ConfigWriter } from "../config/writer.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Secrets } from "../secrets/secrets.ts";
import { type Answers, firstAnswers, QUESTIONS } from "./questions.ts";

export interface SetupWizardOptions {
  config: { readonly current: object; readonly env?: Readonly<Record<string, string | undefined>> };
  configWriter: Pick<ConfigWriter, "edit">;
  secrets: Pick<Secrets, "set">;
  clock: Clock;
}

interface Session {
  id: string;
  answers: Answers;
  /** Index of the question that is open. */
  at: number;
  step: WizardStep;
  touchedAt: number;
}

/**
 * Asks for what a gateway needs to answer with a model, and writes it when all has been said: the workspace, the model,
 * and the provider's key into the shared store of secrets. One session at a time; one that nobody goes on with gives
 * way (docs: start/wizard; BEHAVIOUR section 9). Nothing is written before the last step.
 */
export class SetupWizard {
  private session: Session | undefined;

  constructor(private readonly options: SetupWizardOptions) {}

  /** @throws GatewayError while another session is open, or for a kind of setup that there is not */
  start({ mode, flow, workspace, installDaemon }: WizardStartParams): WizardStartResult {
    const { clock, config } = this.options;
    if (mode === "remote") throw invalidRequest("a gateway that runs is set up as a local one");
    if (flow === "channels") throw invalidRequest("this gateway has no channels to set up");
    if (installDaemon === true) throw invalidRequest("this gateway installs no service; the system's own tools do");
    const now = clock.now();
    if (this.session && now - this.session.touchedAt < LIMITS.wizardIdleMs) throw busy();
    const answers = firstAnswers(config.current, config.env ?? {}, workspace);
    this.session = { id: uuid(), answers, at: 0, step: stepOf(answers, 0)!, touchedAt: now };
    return { sessionId: this.session.id, ...this.open(this.session) };
  }

  /**
   * Takes the answer to the open step and returns the next one; without an answer the open step again.
   * @throws GatewayError for a session or a step that is not open
   */
  async next({ sessionId, answer }: WizardNextParams): Promise<WizardNextResult> {
    const session = this.find(sessionId);
    if (answer === undefined) return this.open(session);
    if (answer.stepId !== session.step.id) throw invalidRequest("wizard: this step is not open");
    const problem = QUESTIONS[session.at]!.take(session.answers, answer.value);
    if (problem !== undefined) return { ...this.open(session), error: problem };
    if (session.answers.isRefused) return { done: true, ...this.cancel({ sessionId }) };
    for (let at = session.at + 1; at < QUESTIONS.length; at++) {
      const step = stepOf(session.answers, at);
      if (step === null) continue;
      Object.assign(session, { at, step });
      return this.open(session);
    }
    return this.finish(session);
  }

  status({ sessionId }: { sessionId: string }): WizardStatusResult {
    this.find(sessionId);
    return { status: "running" };
  }

  /** Ends a session; nothing of it is kept. */
  cancel({ sessionId }: { sessionId: string }): WizardStatusResult {
    this.find(sessionId);
    this.session = undefined;
    return { status: "cancelled", error: "cancelled" };
  }

  private find(id: string): Session {
    const { session } = this;
    if (session?.id !== id) throw invalidRequest("wizard not found", { code: "WIZARD_NOT_FOUND" });
    session.touchedAt = this.options.clock.now();
    return session;
  }

  private open({ step }: Session) {
    return { done: false, step, status: "running" as const };
  }

  private async finish({ answers }: Session): Promise<WizardNextResult> {
    this.session = undefined;
    try {
      const { workspace, provider, keyName, key, model } = answers;
      if (keyName !== undefined && key !== undefined) {
        await this.options.secrets.set({ name: keyName, value: key, kind: "secret" }, "wizard");
      }
      const apiKey = { source: "store", provider: "default", id: keyName };
      const patch = {
        agents: { defaults: { workspace, ...(model !== undefined && { model: { primary: model } }) } },
        ...(key !== undefined && { models: { providers: { [provider!]: { apiKey } } } }),
      };
      this.options.configWriter.edit((tree) => mergePatch(tree, patch, new Set()) as Tree);
      return { done: true, status: "done", ...(model !== undefined && { preparedModelRef: model }) };
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return { done: true, status: "error", error: error.message };
    }
  }
}

function stepOf(answers: Answers, at: number): WizardStep | null {
  const step = QUESTIONS[at]!.ask(answers);
  return step === null ? null : { ...step, id: uuid() };
}

const busy = (): GatewayError =>
  new GatewayError("UNAVAILABLE", "OpenClaw setup is already in progress; try again when it finishes.", {
    details: { code: "SETUP_ADMISSION_BUSY" },
    retryable: true,
  });
