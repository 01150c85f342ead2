/** `gateway.controlUi.basePath` with a slash in front and none behind; empty for the root. */
export function normalBasePath(setting: string | undefined): string {
  const names = (setting ?? "").split("/").filter((name) => name !== "" && name !== "." && name !== "..");
  return names.map((name) => `/${encodeURI(name)}`).join("");
}
