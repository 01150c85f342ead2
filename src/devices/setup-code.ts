import type { GatewayConfig } from "../../generated/config.ts";
import type { DevicePairSetupCodeParams, DevicePairSetupCodeResult } from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { setupAddress } from "./setup-address.ts";
import type { DeviceSetups, SetupAccess } from "./setups.ts";

/**
 * Makes a setup code: base64url of a JSON object with the gateway's address, a token that works once, and when it
 * ends. Never the shared secret (GHSA-7h7g-x2px-94hj). Over an address that others could listen to, the code gives
 * limited access at most, and says so. @throws GatewayError when no address fits
 */
export async function createSetupCode(
  setups: DeviceSetups,
  params: DevicePairSetupCodeParams,
  config: GatewayConfig,
): Promise<DevicePairSetupCodeResult> {
  const { url, source, isPrivateWay } = setupAddress(params, config);
  if (params.joinUrl === true) throw invalidRequest("This gateway makes setup codes, but no join URLs.");
  const wanted: SetupAccess = params.bootstrapProfile ?? "full";
  const isDowngraded = wanted === "full" && !isPrivateWay;
  const access = isDowngraded ? "limited" : wanted;
  const { setupId, bootstrapToken, expiresAtMs } = await setups.create(access);
  const code = JSON.stringify({ url, bootstrapToken, expiresAtMs });
  return {
    setupId,
    expiresAtMs,
    setupCode: Buffer.from(code).toString("base64url"),
    gatewayUrl: url,
    auth: config.gateway.auth.mode === "password" ? "password" : "token",
    urlSource: source,
    access,
    ...(isDowngraded && { accessDowngraded: true }),
  };
}
