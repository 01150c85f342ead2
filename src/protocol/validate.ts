import { methodSpec } from "../../generated/methods.ts";
import { VALIDATORS } from "../../generated/validators.ts";

/** True when the value has the type. Only types the gateway checks at run time: params of implemented methods, frames. */
export function check(typeName: string, value: unknown): boolean {
  const validator = VALIDATORS[typeName];
  if (!validator) throw new RangeError(`no validator for ${typeName}`);
  return validator()(value);
}

/**
 * What is wrong with a value, in upstream's words: issues joined with `; `, without any prefix. The code that finds the
 * words is loaded on first use, since most gateways never need it.
 */
export async function explain(typeName: string, value: unknown): Promise<string> {
  const { describeIssues } = await import("./error-text.ts");
  return describeIssues(typeName, value);
}

/**
 * Checks the params of an implemented method. Null: they are fine. Otherwise the promise of the whole error message that
 * upstream gives: `invalid <method> params: <issues>`, or the method's own words. Absent params are to be given as `{}`.
 */
export function validateParams(method: string, params: unknown): Promise<string> | null {
  const spec = methodSpec(method);
  if (!spec) throw new RangeError(`no method ${method}`);
  if (check(spec.params, params)) return null;
  if (spec.errorText !== null) return Promise.resolve(spec.errorText);
  return explain(spec.params, params).then((issues) => `invalid ${method} params: ${issues}`);
}
