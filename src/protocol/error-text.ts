import { Errors } from "typebox/schema";
import { SCHEMAS } from "../../generated/schemas.ts";

/** The issues of a value that does not have the type, in upstream's words, joined with `; `. */
export function describeIssues(typeName: string, value: unknown): string {
  const schema = SCHEMAS[typeName];
  if (!schema) throw new RangeError(`no schema for ${typeName}`);
  const [, errors] = Errors(schema, value);
  return errors.map((error) => error.message).join("; ");
}
