/** The part of a configuration that says which parts of the gateway are in use. */
export interface PluginSettings {
  plugins?: {
    enabled?: boolean;
    allow?: readonly string[];
    deny?: readonly string[];
    entries?: Readonly<Record<string, { enabled?: boolean } | undefined>>;
  };
}

/** Whether something that can be switched under `plugins` is in use, and if not, why. */
export type PluginSwitch = { isOn: true } | { isOn: false; because: string };

const off = (because: string): PluginSwitch => ({ isOn: false, because });

/**
 * What `plugins` says of one id (docs: tools/plugin; measured at 2026.9.6): the switch for all of them and the denylist win,
 * then its own entry, then the allowlist if there is one, then what holds without any setting.
 * @param byDefault whether it is in use when nothing is said
 */
export function pluginSwitch({ plugins }: PluginSettings, id: string, byDefault = true): PluginSwitch {
  const { enabled, allow, deny, entries } = plugins ?? {};
  const entry = entries && Object.hasOwn(entries, id) ? entries[id]?.enabled : undefined;
  if (enabled === false) return off("plugins disabled");
  if (deny?.includes(id)) return off("blocked by denylist");
  if (entry === false) return off("disabled in config");
  if (entry === true) return { isOn: true };
  if (allow !== undefined && allow.length > 0 && !allow.includes(id)) return off("not in allowlist");
  return byDefault ? { isOn: true } : off("not enabled");
}
