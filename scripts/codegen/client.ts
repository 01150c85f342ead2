import { header, type Output } from "./emit.ts";

/** `client.ts`: the typed surface of a gateway client over the method and event maps. */
export function emitClient(): Output[] {
  const text = `${header("client.ts", "spec")}import type { EventMap } from "./events.ts";
import type { MethodMap } from "./methods.ts";

export type AnyMethodName = keyof MethodMap;
export type AnyEventName = keyof EventMap;

/** Params may be left out where none are required. */
export type CallArgs<M extends AnyMethodName, Options> =
  Record<string, never> extends MethodMap[M]["params"]
    ? [params?: MethodMap[M]["params"], options?: Options]
    : [params: MethodMap[M]["params"], options?: Options];

/** What a connection offers before types are put on it. */
export interface RawClient<Options> {
  request(method: string, params: unknown, options?: Options): Promise<unknown>;
  /** Returns the function that ends the subscription. */
  onEvent(listener: (event: string, payload: unknown) => void): () => void;
}

/** A gateway client whose calls and events have the types of the protocol. */
export interface TypedClient<Options> {
  call<M extends AnyMethodName>(method: M, ...args: CallArgs<M, Options>): Promise<MethodMap[M]["result"]>;
  on<E extends AnyEventName>(event: E, listener: (payload: EventMap[E]) => void): () => void;
}

/** Puts the types of the protocol on a connection. Adds no behaviour. */
export function typedClient<Options>(raw: RawClient<Options>): TypedClient<Options> {
  return {
    call: (method, ...args) => raw.request(method, args[0] ?? {}, args[1]) as Promise<never>,
    on: (event, listener) =>
      raw.onEvent((name, payload) => {
        if (name === event) listener(payload as never);
      }),
  };
}
`;
  return [{ path: "client.ts", text }];
}
