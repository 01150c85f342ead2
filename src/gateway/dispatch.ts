import type { Handlers } from "../../generated/handlers.ts";
import { METHODS, type MethodSpec } from "../../generated/methods.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import type { Logger } from "../platform/logger.ts";
import { hasScope, missingScope } from "../platform/scopes.ts";
import { validateParams } from "../protocol/validate.ts";
import { storageProblem } from "../store/failure.ts";
import type { Connection } from "./connection.ts";
import type { CallContext, Caller } from "./context.ts";
import { errorFrame, type RequestFrame, resultFrame } from "./frames.ts";
import { StartQueue } from "./start-queue.ts";

type Handler = (params: unknown, context: CallContext) => unknown;

/** Sees everything that is sent, to hold it against its spec. Tests have one, the product has none. */
export interface ContractWatch {
  answer(method: string, payload: unknown, phase: "accepted" | "result"): void;
  event(event: string, payload: unknown): void;
}

/**
 * A check that upstream makes before it looks at the schema, so params can hold anything: which scope a method of
 * `dynamic` scope needs for them, and what every call must say. Throws to refuse. May return params to be used in their
 * place, where upstream fills in what was left out first.
 */
export type Guard = ((...call: GuardedCall) => void) | ((...call: GuardedCall) => Record<string, unknown>);

type GuardedCall = [params: Record<string, unknown>, caller: Caller, context: CallContext];

interface Route {
  name: string;
  spec: MethodSpec;
  handler: Handler;
  guard: Guard | undefined;
  served: number;
  refused: Map<string, number>;
}

export interface DispatcherOptions {
  handlers: Handlers<CallContext>;
  /** By method name; see {@link Guard}. */
  guards?: Readonly<Record<string, Guard>>;
  log: Logger;
  /** Why a method is not served now, looked at after the caller's authority. */
  refusal?(method: string): GatewayError | null;
  /** Counts a call of a method whose calls are bounded. @throws GatewayError when there were too many */
  spend?(method: string, caller: Caller): void;
  /** Notes a request that is being served; returns the function that ends it. */
  begin?(name: string): () => void;
  limits: { maxInFlight: number; startsPerTurn: number; startQueue: number };
  verify?: ContractWatch;
}

/**
 * Takes requests to their handlers: role, then scope, then parameters, then the handler. Whatever a handler
 * throws that is not a {@link GatewayError} is logged and answered without internals.
 */
export class Dispatcher {
  private readonly routes = new Map<string, Route>();
  private readonly queue: StartQueue<Connection, RequestFrame>;
  private readonly unknown = new Map<string, number>();

  constructor(private readonly options: DispatcherOptions) {
    const all = options.handlers as unknown as Record<string, Handler>;
    for (const [name, spec] of Object.entries(METHODS as Readonly<Record<string, MethodSpec>>)) {
      const handler = all[name];
      if (handler === undefined) continue;
      this.routes.set(name, { name, spec, handler, guard: options.guards?.[name], served: 0, refused: new Map() });
    }
    const { startsPerTurn, startQueue } = options.limits;
    this.queue = new StartQueue({ perTurn: startsPerTurn, waiting: startQueue }, (connection, frame) =>
      this.start(connection, frame),
    );
  }

  /** Names of the methods that can be called. */
  get methods(): readonly MethodSpec[] {
    return [...this.routes.values()].map((route) => route.spec);
  }

  /** Serves a request of an open connection, at once or in one of the next turns of the event loop. */
  dispatch(connection: Connection, frame: RequestFrame): void {
    if (connection.inFlight >= this.options.limits.maxInFlight || !this.queue.submit(connection, frame)) {
      connection.send(errorFrame(frame.id, busy()));
    }
  }

  /** Forgets the waiting requests of a connection that has ended. */
  forget(connection: Connection): void {
    this.queue.forget(connection);
  }

  /** Calls a method for a caller without a socket. @throws GatewayError as the socket would answer it */
  async invoke(caller: Caller, context: CallContext, method: string, params: unknown): Promise<unknown> {
    const route = this.routes.get(method);
    const done = this.options.begin?.(`http:${method}`);
    try {
      const payload = await this.run(route, method, params, caller, context);
      route!.served++;
      this.options.verify?.answer(method, payload, "result");
      return payload;
    } catch (error) {
      throw this.account(route, method, error);
    } finally {
      done?.();
    }
  }

  /** Requests by method and outcome since the start; unknown method names are counted together. */
  *counts(): Iterable<[Record<string, string>, number]> {
    for (const { name, served, refused } of this.routes.values()) {
      if (served > 0) yield [{ method: name, outcome: "ok" }, served];
      for (const [outcome, count] of refused) yield [{ method: name, outcome }, count];
    }
    for (const [outcome, count] of this.unknown) yield [{ method: "unknown", outcome }, count];
  }

  private start(connection: Connection, frame: RequestFrame): void {
    const { caller, context } = connection;
    if (caller === undefined || context === undefined || connection.state !== "open") return;
    const route = this.routes.get(frame.method);
    try {
      const callContext = route?.spec.twoPhase ? this.withAccept(context, connection, frame) : context;
      const result = this.run(route, frame.method, frame.params, caller, callContext);
      if (result instanceof Promise) this.finishLater(connection, frame, route!, result);
      else this.answer(connection, frame, route!, result);
    } catch (error) {
      connection.send(errorFrame(frame.id, this.account(route, frame.method, error)));
    }
  }

  private withAccept(context: CallContext, connection: Connection, { id, method }: RequestFrame): CallContext {
    const call = Object.create(context) as { accept: CallContext["accept"] };
    call.accept = (payload) => {
      this.options.verify?.answer(method, payload, "accepted");
      connection.send(resultFrame(id, payload));
    };
    return call as CallContext;
  }

  private finishLater(connection: Connection, frame: RequestFrame, route: Route, result: Promise<unknown>): void {
    connection.inFlight++;
    const done = this.options.begin?.(`ws:${route.name}`);
    result
      .then((payload) => this.answer(connection, frame, route, payload))
      .catch((error) => connection.send(errorFrame(frame.id, this.account(route, frame.method, error))))
      .finally(() => {
        connection.inFlight--;
        done?.();
      });
  }

  private answer(connection: Connection, frame: RequestFrame, route: Route, payload: unknown): void {
    route.served++;
    this.options.verify?.answer(route.name, payload, "result");
    connection.send(resultFrame(frame.id, payload));
  }

  private run(
    route: Route | undefined,
    method: string,
    rawParams: unknown,
    caller: Caller,
    context: CallContext,
  ): unknown {
    authorize(route?.spec, method, caller);
    if (route === undefined) throw invalidRequest(`unknown method: ${method}`);
    const refusal = this.options.refusal?.(method);
    if (refusal) throw refusal;
    if (route.spec.rateLimited) this.options.spend?.(method, caller);
    let params = rawParams ?? {};
    if (route.guard) params = route.guard(isRecord(params) ? params : {}, caller, context) ?? params;
    const problem = validateParams(method, params);
    if (problem !== null) return problem.then((message) => Promise.reject(invalidRequest(message)));
    return route.handler(params, context);
  }

  private account(route: Route | undefined, method: string, thrown: unknown): GatewayError {
    let error = thrown;
    if (!(error instanceof GatewayError)) {
      this.options.log.error("a method failed unexpectedly", { method, error });
      error = unexpected(thrown);
    }
    const { code } = error as GatewayError;
    const counts = route?.refused ?? this.unknown;
    counts.set(code, (counts.get(code) ?? 0) + 1);
    return error as GatewayError;
  }
}

/**
 * Refuses a caller whose role or scopes do not allow the method. An unknown method counts as one that needs
 * `operator.admin`, so that only administrators learn which names exist. Methods with a `dynamic` scope judge
 * their parameters themselves.
 * @throws GatewayError
 */
export function authorize(spec: MethodSpec | undefined, method: string, caller: Caller): void {
  const role = spec?.role ?? "operator";
  if (role !== "any" && role !== caller.role) throw invalidRequest(`unauthorized role: ${caller.role}`);
  if (method === "connect") throw invalidRequest("connect is only valid as the first request");
  const scope = spec === undefined ? "operator.admin" : spec.scope;
  if (scope === null || scope === "dynamic" || caller.role === "node" || hasScope(caller, scope)) return;
  throw missingScope(scope);
}

/** Without internals; but that a disk is full is for its owner to hear, who may be the one who asks. */
function unexpected(thrown: unknown): GatewayError {
  const problem = storageProblem(thrown);
  if (problem === null) return new GatewayError("UNAVAILABLE", "The gateway could not complete this request.");
  return new GatewayError("UNAVAILABLE", `The gateway could not complete this request: ${problem}.`, {
    retryable: true,
  });
}

const busy = (): GatewayError =>
  new GatewayError("UNAVAILABLE", "The server is busy. Please try again in a moment.", { retryable: true });

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
