/**
 * The upstream release whose behaviour this gateway follows. Clients see it as `server.version`, in presence and
 * in `status`, because they read version numbers there as upstream's: to decide what a gateway can do and to warn
 * about an outdated one. Our own number would look to them like a release from the distant past.
 */
export const COMPATIBLE_VERSION = "2026.9.6";

/** Wire versions served, newest first. Upstream serves 4 to everybody and keeps 3 for probes; we serve both to all. */
export const WIRE_VERSIONS = [4, 3] as const;

declare const CHELA_VERSION: string | undefined;

/** Our own release, set when the executable is built; a checkout run from source says so. */
export const OWN_VERSION = typeof CHELA_VERSION === "string" ? CHELA_VERSION : "0.0.0-source";

/** Name and version as people are told them. */
export const PRODUCT = `Chela ${OWN_VERSION} (compatible with OpenClaw ${COMPATIBLE_VERSION})`;
