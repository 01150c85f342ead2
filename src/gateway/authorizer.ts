import type { ConnectParams } from "../../generated/types.ts";
import type { GatewayError } from "../platform/errors.ts";
import type { Caller } from "./context.ts";
import type { PeerFacts } from "./peer.ts";

export interface ConnectAccepted {
  ok: true;
  caller: Caller;
  /** The `auth` part of hello-ok. */
  auth: Record<string, unknown>;
  method: string;
  /** True when the device lost its access since it was checked; asked just before hello-ok. */
  lostAccess?(): boolean;
  /** Told whether hello-ok went out, where somebody waits to know that credentials arrived. */
  settled?(delivered: boolean): Promise<void>;
}

export interface ConnectRefused {
  ok: false;
  error: GatewayError;
  close: { code: number; reason: string };
  /** Milliseconds to wait before answering, for guesses. */
  delayMs?: number;
}

/** Decides who may come in. Built over the devices and the configured secrets by `gateway/auth`. */
export interface Authorizer {
  connect(
    params: ConnectParams,
    peer: PeerFacts,
    challenge: { nonce: string; ts: number },
    connection: { connId: string; protocol: number },
  ): Promise<ConnectAccepted | ConnectRefused>;
  http(headers: Headers, peer: PeerFacts): Promise<Caller | ConnectRefused>;
  /** Null when the caller may read what the page shows of the gateway before it connects: names and pictures. */
  page(headers: Headers, peer: PeerFacts): Promise<ConnectRefused | null>;
}
