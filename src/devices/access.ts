import { invalidRequest } from "../platform/errors.ts";
import { covers, coversAll } from "./scopes.ts";
import { activeToken } from "./tokens.ts";
import type { DeviceManager, DeviceRole, DeviceState, PairingRequest } from "./types.ts";

/** Who may change which device (docs: gateway/operator-scopes). The method's own scope has been checked before. */

export const isAdmin = ({ scopes }: DeviceManager): boolean => scopes.has("operator.admin");

/** True for a session that may only see and change its own device: one that came in with a device token, short of admin. */
export const isSelfScoped = (manager: DeviceManager): boolean =>
  manager.authMethod === "device-token" && !isAdmin(manager);

export const mayManage = (manager: DeviceManager, deviceId: string): boolean =>
  !isSelfScoped(manager) || manager.deviceId === deviceId;

/** Refuses to manage a device that is not the caller's to manage. @throws GatewayError `device <what> denied` */
export function requireManageable(manager: DeviceManager, deviceId: string, what: string): void {
  if (!mayManage(manager, deviceId)) throw denied(what);
}

/** The refusal that does not tell whether the device exists. */
export const denied = (what: string) => invalidRequest(`device ${what} denied`);

/**
 * Refuses an approver who does not hold what the request asks for: other roles than operator need an administrator, and
 * each operator scope must be held. A repair that names no scopes inherits those of the present token.
 * @throws GatewayError
 */
export function requireApprovable(manager: DeviceManager, state: DeviceState & { request: PairingRequest }): void {
  const { request } = state;
  requireManageable(manager, request.deviceId, "pairing approval");
  if (request.roles.some((role) => role !== "operator") && !isAdmin(manager)) throw denied("pairing approval");
  if (!request.roles.includes("operator")) return;
  const inherited = request.scopes.length === 0 ? (activeToken(state, "operator")?.scopes ?? []) : [];
  const missing = [...request.scopes, ...inherited].find((scope) => !mayGrant(manager, scope));
  if (missing !== undefined) throw invalidRequest(`missing scope: ${missing}`);
}

/** An administrator may also approve scopes that this release does not know: a newer client may ask for them. */
const mayGrant = (manager: DeviceManager, scope: string): boolean => isAdmin(manager) || covers(manager.scopes, scope);

/** True when the caller may rotate or revoke the token of a role with these scopes. */
export function mayHandleToken(
  manager: DeviceManager,
  target: { deviceId: string; role: DeviceRole; scopes: readonly string[] },
): boolean {
  if (isAdmin(manager)) return true;
  return target.role === "operator" && mayManage(manager, target.deviceId) && coversAll(manager.scopes, target.scopes);
}
