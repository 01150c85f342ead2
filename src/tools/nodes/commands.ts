import { ToolError } from "../types.ts";

/** What a node is asked for. */
export interface NodeCall {
  command: string;
  params: Record<string, unknown>;
  timeoutMs?: number;
}

type Args = Record<string, unknown>;

/** Only what was given. */
const given = (args: Args, ...names: string[]): Record<string, unknown> =>
  Object.fromEntries(names.flatMap((name) => (args[name] === undefined ? [] : [[name, args[name]]])));

const plain =
  (command: string, ...names: string[]) =>
  (args: Args): NodeCall => ({
    command,
    params: given(args, ...names),
    timeoutMs: args.timeoutMs as number | undefined,
  });

/** The actions of the tool and the commands of nodes that they stand for (docs: nodes/device-commands, nodes/camera). */
export const COMMANDS: Readonly<Record<string, (args: Args) => NodeCall>> = {
  notify(args) {
    if (!args.title && !args.body) throw new ToolError("title or body required");
    return plain("system.notify", "title", "body", "sound", "priority", "delivery")(args);
  },
  camera_snap(args) {
    const call = plain("camera.snap", "facing", "maxWidth", "quality", "delayMs", "deviceId")(args);
    return { ...call, params: { ...call.params, format: "jpg" } };
  },
  camera_list: plain("camera.list"),
  photos_latest: plain("photos.latest", "limit", "maxWidth", "quality"),
  screen_snapshot: plain("screen.snapshot", "screenIndex", "maxWidth", "quality"),
  location_get({ locationTimeoutMs, ...args }) {
    const call = plain("location.get", "maxAgeMs", "desiredAccuracy")(args);
    return {
      ...call,
      params: { ...call.params, ...(locationTimeoutMs === undefined ? {} : { timeoutMs: locationTimeoutMs }) },
    };
  },
  notifications_list: plain("notifications.list"),
  notifications_action({
    notificationKey: key,
    notificationAction: action,
    notificationReplyText: replyText,
    timeoutMs,
  }) {
    if (typeof key !== "string" || typeof action !== "string") {
      throw new ToolError("notificationKey and notificationAction required");
    }
    if (action === "reply" && typeof replyText !== "string") throw new ToolError("notificationReplyText required");
    const params = { key, action, ...(replyText === undefined ? {} : { replyText }) };
    return { command: "notifications.actions", params, timeoutMs: timeoutMs as number | undefined };
  },
  device_status: plain("device.status"),
  device_info: plain("device.info"),
  device_permissions: plain("device.permissions"),
  device_health: plain("device.health"),
  which(args) {
    if (!Array.isArray(args.bins)) throw new ToolError("bins required");
    return plain("system.which", "bins")(args);
  },
};
