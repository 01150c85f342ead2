import { Errors } from "typebox/schema";
import { SCHEMAS } from "../../generated/schemas.ts";

type SchemaIssue = ReturnType<typeof Errors>[1][number];

/** The first of several names: upstream reports one missing or unexpected property of an object at a time. */
function issueText({ keyword, instancePath, params, message }: SchemaIssue): string {
  const detail = params as { requiredProperties?: string[]; additionalProperties?: string[] };
  const missing = keyword === "required" ? detail.requiredProperties?.[0] : undefined;
  const extra = keyword === "additionalProperties" ? detail.additionalProperties?.[0] : undefined;
  if (extra !== undefined) return `at ${instancePath || "root"}: unexpected property '${extra}'`;
  const where = instancePath ? `at ${instancePath}: ` : "";
  return `${where}${missing === undefined ? message : `must have required property '${missing}'`}`;
}

/**
 * An unexpected property is reported twice: once as a value that no schema admits, once by the object that does not
 * expect it. Only the second is told, unless the list of issues was cut off between the two.
 */
function isRepeated(issue: SchemaIssue, closed: ReadonlySet<string>): boolean {
  const owner = issue.schemaPath.replace(/\/additionalProperties$/, "");
  return issue.keyword === "boolean" && owner !== issue.schemaPath && closed.has(owner);
}

/**
 * What is wrong with a value by a schema, in upstream's words and order, joined with `; `: each text once, at most the
 * eight first issues that the schema library finds, as upstream has it (BEHAVIOUR: schema failures).
 */
export function describeSchemaIssues(schema: object, value: unknown): string {
  const [, issues] = Errors(schema, value);
  const closed = new Set(
    issues.filter(({ keyword }) => keyword === "additionalProperties").map(({ schemaPath }) => schemaPath),
  );
  const texts = issues.filter((issue) => !isRepeated(issue, closed)).map(issueText);
  return [...new Set(texts)].join("; ");
}

/** The issues of a value that does not have the type; only types the gateway checks at run time. */
export function describeIssues(typeName: string, value: unknown): string {
  const schema = SCHEMAS[typeName];
  if (!schema) throw new RangeError(`no schema for ${typeName}`);
  return describeSchemaIssues(schema, value);
}
