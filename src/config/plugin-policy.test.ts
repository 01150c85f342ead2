import { expect, test } from "bun:test";
import { type PluginSettings, pluginSwitch } from "./plugin-policy.ts";

const off = (because: string) => ({ isOn: false, because });

// Measured at upstream 2026.9.6 with bundled plugins.
test.each<[string, PluginSettings["plugins"], boolean, object]>([
  ["nothing said, on by itself", undefined, true, { isOn: true }],
  ["nothing said, off by itself", {}, false, off("not enabled")],
  ["all switched off", { enabled: false, entries: { a: { enabled: true } } }, true, off("plugins disabled")],
  [
    "on the denylist",
    { deny: ["a"], allow: ["a"], entries: { a: { enabled: true } } },
    true,
    off("blocked by denylist"),
  ],
  ["switched off by name", { allow: ["a"], entries: { a: { enabled: false } } }, true, off("disabled in config")],
  ["switched on by name", { allow: ["b"], entries: { a: { enabled: true } } }, false, { isOn: true }],
  ["not on the allowlist", { allow: ["b"] }, true, off("not in allowlist")],
  ["on the allowlist", { allow: ["a"] }, true, { isOn: true }],
  ["an empty allowlist", { allow: [] }, true, { isOn: true }],
  ["an entry that says nothing", { entries: { a: {} } }, true, { isOn: true }],
])("%s", (_name, plugins, byDefault, expected) => {
  expect(pluginSwitch({ plugins }, "a", byDefault)).toEqual(expected as never);
});

test("a name of every object's own is no entry", () => {
  expect(pluginSwitch({ plugins: { entries: {} } }, "constructor")).toEqual({ isOn: true });
});
