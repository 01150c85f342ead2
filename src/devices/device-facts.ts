import { LIMITS } from "../../generated/limits.ts";
import type { ConnectParams } from "../../generated/types.ts";
import type { DeviceFacts, DeviceRole } from "./types.ts";

/** Names under which node hosts report their system, as upstream records them. */
const PLATFORM_NAMES: Readonly<Record<string, string>> = { darwin: "macos", win32: "windows" };
const FAMILIES: Readonly<Record<string, string>> = { macos: "Mac", windows: "Windows", linux: "Linux" };

/** What of a client's own words is kept with its device: on one line and of bounded length, since people read it in terminals. */
export function deviceFacts(client: ConnectParams["client"], role: DeviceRole): DeviceFacts {
  const platform = shortLine(client.platform);
  const named = role === "node" && platform !== undefined ? (PLATFORM_NAMES[platform] ?? platform) : platform;
  const family = shortLine(client.deviceFamily) ?? (role === "node" ? FAMILIES[named ?? ""] : undefined);
  return {
    displayName: shortLine(client.displayName),
    platform: named,
    deviceFamily: family,
    clientId: client.id,
    clientMode: client.mode,
  };
}

/** Control characters and marks that reorder text could make one device look like another. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Z}]+/gu;

function shortLine(text: string | undefined): string | undefined {
  const line = text?.replace(UNPRINTABLE, " ").trim().slice(0, LIMITS.deviceTextChars);
  return line === "" ? undefined : line;
}
