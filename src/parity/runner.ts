import type { ConnectSpec, ParityCase, ParityRecord } from "./cases.ts";
import { PRESETS } from "./connect-params.ts";
import { type Answer, ConnectRefused, ParityConnection, type Target } from "./connection.ts";
import { recordEvents } from "./events.ts";
import { Normaliser } from "./normalise.ts";
import { runRaw } from "./raw.ts";
import { Variables } from "./variables.ts";

/** How long an ended connection gets before the next case, so that the gateway has noticed. */
const SETTLE_MS = 300;

/** A request whose answer a later case records. */
interface Pending {
  connection: ParityConnection;
  mark: number;
  method: string;
  answer: Promise<Answer>;
}

/**
 * Runs cases one after the other against a live gateway and says what it did. Connections, saved values and
 * unanswered requests are kept from case to case.
 */
export class ParityRunner {
  private readonly connections = new Map<string, ParityConnection>();
  private readonly variables: Variables;
  private readonly normaliser = new Normaliser();
  private readonly pending = new Map<string, Pending>();
  private file: string | undefined;

  /**
   * @param pace multiplies the time that cases wait for what may still come; less than 1 for a gateway in the same
   * process, which has said everything sooner than upstream had
   */
  constructor(
    private readonly target: Target,
    private readonly pace = 1,
  ) {
    this.variables = new Variables(target.token);
  }

  /** Never throws: what goes wrong is in the record. */
  async run(step: ParityCase): Promise<ParityRecord> {
    const { id, family, method = "connect" } = step;
    try {
      if (step.file !== this.file) await this.nextFile(step.file);
      if (!this.connections.has("main")) await this.connection("main");
      if (step.delayMs) await Bun.sleep(step.delayMs * this.pace);
      return { id, family, method, ...(await this.outcome(step)) };
    } catch (error) {
      if (error instanceof ConnectRefused) {
        const refusal = this.normaliser.error(error.answer.error!);
        return { id, family, method, ok: false, error: refusal, connectFailed: true };
      }
      return { id, family, method, ok: false, harnessError: this.normaliser.text(String(error)) };
    }
  }

  /** Connections and unanswered requests belong to one file of cases. */
  private async nextFile(file: string | undefined): Promise<void> {
    this.file = file;
    if (this.connections.size === 0) return;
    await this.close();
    this.connections.clear();
    this.pending.clear();
    await Bun.sleep(SETTLE_MS * this.pace);
  }

  /** Closes every connection. */
  async close(): Promise<void> {
    await Promise.all([...this.connections.values()].map((connection) => connection.close()));
  }

  private async outcome(
    step: ParityCase,
  ): Promise<Omit<ParityRecord, "id" | "family" | "method"> & { method?: string }> {
    if (step.raw) return runRaw(this.target, step, this.variables, this.normaliser);
    if (step.await !== undefined) return this.collectAnswer(step, step.await);
    if (step.disconnect !== undefined) {
      await this.connections.get(step.disconnect)?.close();
      await Bun.sleep((step.settleMs ?? SETTLE_MS) * this.pace);
      return { method: "(disconnect)", ok: true };
    }
    const connection = await this.connection(step.as, step.connect);
    return step.method === undefined
      ? this.describeHello(step, connection)
      : this.request(step, step.method, connection);
  }

  private async request(step: ParityCase, method: string, connection: ParityConnection) {
    const listener = step.eventsOn === undefined ? connection : await this.connection(step.eventsOn);
    const { mark } = listener;
    const params = "params" in step ? this.variables.fill(step.params) : {};
    const answer = connection.call(method, params, step.expectFinal);
    if (!step.async) return this.record(step, await answer, listener, mark);
    answer.catch(() => {}); // reported by the case that awaits it
    this.pending.set(step.id, { connection: listener, mark, method, answer });
    const { payload: _none, ...rest } = await this.record(step, { ok: true }, listener, mark);
    return { ...rest, async: true };
  }

  private async collectAnswer(step: ParityCase, id: string) {
    const pending = this.pending.get(id);
    if (pending === undefined) throw new Error(`no request of a case ${id} is waiting`);
    const record = await this.record(step, await pending.answer, pending.connection, pending.mark);
    return { ...record, method: pending.method };
  }

  private async record(step: ParityCase, answer: Answer, connection: ParityConnection, mark: number) {
    const { ok, payload, error, ack } = answer;
    for (const [name, path] of Object.entries(step.save ?? {})) {
      this.variables.save({ [name]: path }, path.startsWith("/@error") ? { "@error": error } : payload);
    }
    const { variables, normaliser, pace } = this;
    const events = { connection, mark, variables, normaliser, pace, timeoutMs: step.eventTimeoutMs, ok };
    return {
      ok,
      ...(error && { error: normaliser.error(error) }),
      ...(ack !== undefined && { ack: normaliser.value(ack) }),
      ...(ok && normaliser.payload(payload)),
      ...(step.expectEvents && { events: await recordEvents(step.expectEvents, events) }),
    };
  }

  private describeHello(step: ParityCase, { hello }: ParityConnection) {
    this.variables.save(step.save, hello);
    const { type, protocol, auth } = hello;
    return { ok: true, payload: this.normaliser.value({ type, protocol, auth, keys: Object.keys(hello).sort() }) };
  }

  /** The connection of that name, opened at first use and again after it was closed. */
  private async connection(name?: string, spec?: ConnectSpec): Promise<ParityConnection> {
    const key = name ?? (spec ? JSON.stringify(spec) : "main");
    const open = this.connections.get(key);
    if (open && !open.isClosed) return open;
    const wanted = spec ?? PRESETS[key];
    if (wanted === undefined) throw new Error(`no connection is called ${key}`);
    const connection = await ParityConnection.open(this.target, this.variables.fill(wanted));
    this.normaliser.learn(connection.hello);
    this.connections.set(key, connection);
    return connection;
  }
}
