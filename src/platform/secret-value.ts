/** True for a secret that has a value: no reference that waits for one, and no variable that is not set. */
export function isSet(secret: unknown): secret is string {
  return typeof secret === "string" && secret.trim() !== "" && !/^\$(?:\{|[A-Z])/.test(secret);
}
