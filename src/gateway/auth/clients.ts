import type { ConnectParams } from "../../../generated/types.ts";

type Client = Pick<ConnectParams["client"], "id" | "mode">;

/** Clients that show the control UI; they must have a device identity. */
export const isControlUi = ({ id }: Client): boolean => id === "openclaw-control-ui" || id === "openclaw-tui";

/** Clients that run in a browser page, which therefore must send an Origin. */
export const isBrowserClient = ({ id, mode }: Client): boolean =>
  id === "openclaw-control-ui" || id === "webchat-ui" || id === "webchat" || mode === "webchat";

/** The extension of a browser: comes from an extension's origin and is always asked about. */
export const isBrowserExtension = ({ id }: Client): boolean => id === "openclaw-browser-copilot";

/** Programs of the gateway's own machine that work for its owner; reserved for the direct local way. */
export const isLocalBackend = ({ id, mode }: Client): boolean => id === "gateway-client" && mode === "backend";

export const isCli = ({ id, mode }: Client): boolean => id === "cli" && mode === "cli";

/** Apps of a desktop or a phone, with their own window. */
export const isNativeApp = ({ id, mode }: Client): boolean => mode === "ui" && NATIVE_APPS.has(id);

const NATIVE_APPS: ReadonlySet<string> = new Set([
  "openclaw-macos",
  "openclaw-linux",
  "openclaw-ios",
  "openclaw-android",
]);

/** Cloud workers speak a protocol of their own. */
export const isWorker = ({ id, mode }: Client): boolean => id === "openclaw-worker" || mode === "worker";
