import type { DevicesHandlers } from "../../generated/handlers.ts";
import { createSetupCode } from "../devices/setup-code.ts";
import type { CallContext } from "../gateway/context.ts";

export const devices: DevicesHandlers<CallContext> = {
  "device.pair.list": (_params, { devices, caller }) => devices.list(caller),
  "device.pair.approve": ({ requestId }, { devices, caller }) => devices.approve(requestId, caller),
  "device.pair.reject": ({ requestId }, { devices, caller }) => devices.reject(requestId, caller),
  "device.pair.remove": ({ deviceId }, { devices, caller }) => devices.remove(deviceId, caller),
  "device.pair.rename": ({ deviceId, label }, { devices, caller }) => devices.rename(deviceId, label, caller),
  "device.pair.setupCode": (params, { deviceSetups, config }) => createSetupCode(deviceSetups, params, config.current),
  "device.pair.setupStatus": ({ setupId }, { deviceSetups }) => deviceSetups.status(setupId),
  "device.token.rotate": (params, { devices, caller }) => devices.rotateToken(params, caller),
  "device.token.revoke": (params, { devices, caller }) => devices.revokeToken(params, caller),
  "device.scopes.requestUpgrade": ({ scopes }, { scopeUpgrades, caller }) => scopeUpgrades.request(scopes, caller),
  "device.scopes.waitUpgrade": ({ requestId }, { scopeUpgrades, caller, signal }) =>
    scopeUpgrades.wait(requestId, caller, signal),
};
