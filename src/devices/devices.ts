import type {
  DevicePairApproveResult,
  DevicePairListResult,
  DeviceTokenRevokeResult,
  DeviceTokenRotateResult,
  PairedDevice as PairedDeviceShape,
} from "../../generated/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import { denied, isAdmin, mayHandleToken, mayManage, requireApprovable, requireManageable } from "./access.ts";
import { AccessEnds } from "./access-ends.ts";
import type { DeviceRepository } from "./device-repository.ts";
import { deviceShape, requestShape } from "./device-shape.ts";
import { approve, factsOf } from "./pairing.ts";
import { coversAll } from "./scopes.ts";
import { activeToken, hashToken, type TokenKey, withNewToken } from "./tokens.ts";
import type { DeviceManager, DeviceRole, DeviceState, PairedDevice } from "./types.ts";

/** What is stored of nodes beside their devices, by device id. */
export interface NodeSurfacesPort {
  shapes(): Promise<ReadonlyMap<string, Pick<PairedDeviceShape, "nodeSurface" | "pendingNodeSurface">>>;
}

export interface DevicesOptions {
  surfaces: NodeSurfacesPort;
  repository: DeviceRepository;
  key: TokenKey;
  bus: EventBus;
  clock: Clock;
}

/**
 * What operators do with devices: list, approve, reject, remove, rename, and rotate or revoke their tokens. Every
 * change is on disk before its event goes out. Sources: docs cli/devices and gateway/operator-scopes.
 */
export class Devices {
  /** Told when a device lost access, so that its connections can be closed. */
  readonly accessEnds = new AccessEnds();
  private readonly live = new Map<string, number>();

  constructor(private readonly options: DevicesOptions) {}

  /** A connection of the device came in; call the returned function when it ends. */
  attach(deviceId: string): () => void {
    this.live.set(deviceId, (this.live.get(deviceId) ?? 0) + 1);
    return () => {
      const rest = (this.live.get(deviceId) ?? 1) - 1;
      if (rest > 0) this.live.set(deviceId, rest);
      else this.live.delete(deviceId);
    };
  }

  isConnected(deviceId: string): boolean {
    return this.live.has(deviceId);
  }

  /**
   * Whether this is a token of a paired operator's device that counts now. Without the device's key it opens no session:
   * pages show it for their pictures.
   */
  isOperatorToken(token: string): Promise<boolean> {
    return this.options.repository.hasActiveToken(hashToken(token), "operator");
  }

  /** Paired devices and waiting requests that the caller may see. */
  async list(manager: DeviceManager): Promise<DevicePairListResult> {
    const { repository, surfaces } = this.options;
    const [{ paired, requests }, shapes] = await Promise.all([repository.readAll(this.now()), surfaces.shapes()]);
    return {
      pending: requests.filter(({ deviceId }) => mayManage(manager, deviceId)).map(requestShape),
      paired: paired
        .filter(({ device }) => mayManage(manager, device.deviceId))
        .map(({ device, tokens }) => ({
          ...deviceShape(device, tokens),
          ...shapes.get(device.deviceId),
          connected: this.isConnected(device.deviceId),
        })),
    };
  }

  /** @throws GatewayError `unknown requestId`, or that the caller holds less than the request asks for */
  async approve(requestId: string, manager: DeviceManager): Promise<DevicePairApproveResult> {
    const now = this.now();
    const state = await this.options.repository.changeByRequest(requestId, now, (found) => {
      if (found === null) throw invalidRequest("unknown requestId");
      requireApprovable(manager, found);
      const { request } = found;
      const grant = { ...request, facts: factsOf(request), via: "owner" as const };
      const after = approve(this.options.key, found, grant, now);
      return { state: after, result: after };
    });
    const device = state.device!;
    this.resolved(requestId, device.deviceId, "approved");
    return { requestId, device: deviceShape(device, state.tokens) };
  }

  /** @throws GatewayError `unknown requestId` */
  async reject(requestId: string, manager: DeviceManager): Promise<{ requestId: string; deviceId: string }> {
    const deviceId = await this.options.repository.changeByRequest(requestId, this.now(), (found) => {
      if (found === null) throw invalidRequest("unknown requestId");
      requireManageable(manager, found.request.deviceId, "pairing rejection");
      return { state: { ...found, request: null }, result: found.request.deviceId };
    });
    this.resolved(requestId, deviceId, "rejected");
    return { requestId, deviceId };
  }

  /** Forgets the device with its tokens and its request, and ends its connections. @throws GatewayError `unknown deviceId` */
  async remove(deviceId: string, manager: DeviceManager): Promise<{ deviceId: string }> {
    await this.change(deviceId, (state) => {
      requireManageable(manager, deviceId, "pairing removal");
      if (state.device === null) throw invalidRequest("unknown deviceId");
      return { device: null, tokens: [], request: null };
    });
    this.accessEnds.publish({ deviceId });
    return { deviceId };
  }

  /** The paired device, if it may connect as a node. */
  async node(deviceId: string): Promise<PairedDevice | null> {
    const { device } = await this.options.repository.read(deviceId, this.now());
    return device?.roles.includes("node") ? device : null;
  }

  /** All paired devices that may connect as nodes. */
  async nodes(): Promise<PairedDevice[]> {
    const { paired } = await this.options.repository.readAll(this.now());
    return paired.map(({ device }) => device).filter(({ roles }) => roles.includes("node"));
  }

  /**
   * Takes the node role away and ends its connections; a device without another role is forgotten. Short of admin only
   * devices that are nothing but nodes (docs: gateway/pairing).
   * @throws GatewayError `unknown nodeId`, `device pairing removal denied`
   */
  async removeNode(deviceId: string, manager: DeviceManager): Promise<void> {
    await this.change(deviceId, (state) => {
      const { device } = state;
      if (device === null || !device.roles.includes("node")) throw invalidRequest("unknown nodeId");
      const roles = device.roles.filter((role) => role !== "node");
      if (roles.length === 0) return { device: null, tokens: [], request: null };
      if (!isAdmin(manager)) throw denied("pairing removal");
      const tokens = state.tokens.map((token) =>
        token.role === "node" ? { ...token, revokedAtMs: this.now() } : token,
      );
      return { ...state, tokens, device: { ...device, role: roles[0]!, roles } };
    });
    this.accessEnds.publish({ deviceId, role: "node" });
  }

  /** Notes that a node told that it was there. False when it is not paired. */
  noteSeen(deviceId: string, lastSeenReason: string): Promise<boolean> {
    const lastSeenAtMs = this.now();
    return this.options.repository.change(deviceId, lastSeenAtMs, (state) => {
      if (state.device === null) return { result: false };
      return { state: { ...state, device: { ...state.device, lastSeenAtMs, lastSeenReason } }, result: true };
    });
  }

  /** Gives the device the operator's own name. @throws GatewayError `label required`, `unknown deviceId` */
  async rename(deviceId: string, label: string, manager: DeviceManager): Promise<{ deviceId: string; label: string }> {
    const operatorLabel = label.trim();
    if (operatorLabel === "") throw invalidRequest("label required");
    await this.change(deviceId, (state) => {
      requireManageable(manager, deviceId, "pairing rename");
      if (state.device === null) throw invalidRequest("unknown deviceId");
      return { ...state, device: { ...state.device, operatorLabel } };
    });
    this.noteChange();
    return { deviceId, label: operatorLabel };
  }

  /**
   * Makes a new token for a role and ends the role's connections. Scopes stay within what was approved for the device
   * and, short of admin, within the caller's own. The token itself is only told to the device that asked for it with
   * its old one. @throws GatewayError `device token rotation denied`, whatever the reason
   */
  async rotateToken(
    { deviceId, role, scopes }: { deviceId: string; role: string; scopes?: readonly string[] },
    manager: DeviceManager,
  ): Promise<DeviceTokenRotateResult> {
    const { key } = this.options;
    const now = this.now();
    const known = requireRole(role, "token rotation");
    const state = await this.change(deviceId, (before) => {
      const token = before.tokens.find((each) => each.role === known);
      const wanted = scopes ?? token?.scopes ?? [];
      const approved = known === "operator" ? (before.device?.scopes ?? []) : [];
      const mayRotate =
        token !== undefined &&
        mayHandleToken(manager, { deviceId, role: known, scopes: wanted }) &&
        coversAll(approved, wanted);
      if (!mayRotate) throw denied("token rotation");
      return withNewToken(key, before, deviceId, { role: known, scopes: wanted, now });
    });
    this.accessEnds.publish({ deviceId, role: known });
    const token = activeToken(state, known)!;
    const isOwn = manager.authMethod === "device-token" && manager.deviceId === deviceId && manager.role === known;
    return {
      deviceId,
      role: known,
      ...(isOwn && { token: key.token(deviceId, known, token.seed) }),
      scopes: token.scopes,
      rotatedAtMs: now,
      tokenDelivery: isOwn ? "in-band" : "withheld-cross-device",
    } as DeviceTokenRotateResult;
  }

  /** Ends a role of the device until it is approved anew. @throws GatewayError `device token revocation denied` */
  async revokeToken(
    { deviceId, role }: { deviceId: string; role: string },
    manager: DeviceManager,
  ): Promise<DeviceTokenRevokeResult> {
    const revokedAtMs = this.now();
    const known = requireRole(role, "token revocation");
    await this.change(deviceId, (state) => {
      const token = state.tokens.find((each) => each.role === known);
      if (token === undefined || !mayHandleToken(manager, { deviceId, role: known, scopes: token.scopes })) {
        throw denied("token revocation");
      }
      const others = state.tokens.filter((each) => each !== token);
      return { ...state, tokens: [...others, { ...token, revokedAtMs }] };
    });
    this.accessEnds.publish({ deviceId, role: known });
    return { deviceId, role: known, revokedAtMs };
  }

  /** Tells lists of devices to load themselves again. */
  noteChange(): void {
    this.options.bus.publish("device.pair.changed", {});
  }

  private change(deviceId: string, decide: (state: DeviceState) => DeviceState): Promise<DeviceState> {
    return this.options.repository.change(deviceId, this.now(), (before) => {
      const state = decide(before);
      return { state, result: state };
    });
  }

  private resolved(requestId: string, deviceId: string, decision: "approved" | "rejected"): void {
    this.options.bus.publish("device.pair.resolved", { requestId, deviceId, decision, ts: this.now() });
  }

  private now(): number {
    return this.options.clock.now();
  }
}

function requireRole(role: string, what: string): DeviceRole {
  if (role !== "operator" && role !== "node") throw denied(what);
  return role;
}
