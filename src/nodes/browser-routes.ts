import { invalidRequest } from "../platform/errors.ts";

/** Routes that only make sense on the gateway's own machine. */
export const HOST_ROUTES: ReadonlySet<string> = new Set([
  "POST /profiles/import",
  "GET /system-profiles",
  "GET /system-profile-import/status",
  "POST /system-profile-import/dismiss",
]);

/**
 * The path of a route with one slash in front and none behind. A path that a server could read otherwise than it looks,
 * by an escaped, doubled or relative part, is none. @throws GatewayError
 */
export function cleanPath(path: string): string {
  const route = `/${path.trim().replace(/^\//, "").replace(/\/+$/, "")}`;
  const isPlain =
    !/\/\/|[\\?#]|%2f|%5c|%2e|%25/i.test(route) && !route.split("/").some((part) => /^\.{1,2}$/.test(part));
  if (isPlain) return route;
  throw invalidRequest("path must be a plain browser control route");
}

/** True for what changes profiles on a disk. The path is a clean one. */
export function isProfileChange(method: string, route: string): boolean {
  if (method === "POST") return ["/profiles/create", "/profiles/import", "/reset-profile"].includes(route);
  return method === "DELETE" && /^\/profiles\/[^/]+$/.test(route);
}
