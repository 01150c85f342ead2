import { GatewayError, invalidRequest } from "../platform/errors.ts";

/**
 * A fresh address of a surface that a plugin hosts, such as a canvas. No plugin hosts one here, and upstream says just
 * this of one that is not there. @throws GatewayError always
 */
export function refreshSurface(surface: string): never {
  const name = surface.trim();
  if (name === "") throw invalidRequest("surface required");
  throw new GatewayError("UNAVAILABLE", `${name} plugin surface unavailable`);
}
