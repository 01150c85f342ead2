import type { ConfigSnapshot } from "../../generated/types.ts";
import { configuredSecrets } from "./configured-secrets.ts";
import type { DiskState } from "./disk.ts";
import { shownConfig, withMainAgent } from "./effective.ts";
import type { Fingerprint } from "./fingerprint.ts";
import type { IncludeUse } from "./include.ts";
import { isTree, type Tree } from "./json5.ts";
import type { ConfigProblem } from "./problem.ts";
import { redactTree } from "./redact.ts";

export interface SnapshotInput {
  /** Path of the config file. */
  path: string;
  disk: DiskState;
  /** The configuration in force, before defaults. */
  applied: Tree;
  fingerprint: Fingerprint;
  /** Why the file was replaced by its last good copy at the start. */
  restored?: string;
}

/**
 * What `config.get` answers: the file as it is on disk now, in the stages of its reading, every secret in it
 * redacted in each of them (BEHAVIOUR section 9, attack 37). Of a file that cannot be used nothing but its hash and
 * what is wrong with it is shown. `appliedConfigHash` differs from `configRevisionHash` when the configuration in
 * force is not that of the file: it cannot be used, or parts of it wait for a restart.
 */
export function describeConfig({ path, disk, applied, fingerprint, restored }: SnapshotInput): ConfigSnapshot {
  const { source, error, exists, text } = disk;
  const secrets = [applied, ...(source ? [source.parsed, source.resolved] : [])].flatMap(configuredSecrets);
  const shown = (tree: Tree): Tree => redactTree(tree, secrets);
  const config = source ? shown(shownConfig(source.resolved)) : {};
  return {
    path,
    includedPaths: [...new Set(source?.files.slice(1).map(({ file }) => file) ?? [])],
    includeProvenance: source?.includes.map(provenance) ?? [],
    agentRosterIncludeOwned: ownsPart(source?.includes ?? [], ["agents", "entries"]),
    bindingsIncludeOwned: ownsPart(source?.includes ?? [], ["bindings"]),
    exists,
    raw: null,
    parsed: source ? shown(source.parsed) : null,
    sourceConfig: source ? shown(withMainAgent(source.source)) : {},
    resolved: source ? shown(withMainAgent(source.resolved)) : {},
    valid: error === null,
    runtimeConfig: config,
    config,
    hash: fingerprint.of(text),
    issues: error?.problems.map(issue) ?? [],
    warnings: [...(restored === undefined ? [] : [restoredIssue(restored)]), ...(source?.warnings.map(issue) ?? [])],
    legacyIssues: [],
    configRevisionHash: source ? revisionHash(source.resolved, fingerprint) : null,
    appliedConfigHash: revisionHash(applied, fingerprint),
  };
}

/** Names a configuration by what it says, whatever the order of its keys. */
const revisionHash = (resolved: Tree, fingerprint: Fingerprint): string =>
  fingerprint.of(`revision\n${JSON.stringify(sorted(withMainAgent(resolved)))}`);

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isTree(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}

type Provenance = NonNullable<ConfigSnapshot["includeProvenance"]>[number];

const issue = ({ path, reason, hint, line }: ConfigProblem) => ({
  path,
  message: `${line === undefined ? "" : `line ${line}: `}${reason}${hint === undefined ? "" : `; ${hint}`}`,
});

const restoredIssue = (reason: string) => ({
  path: "",
  message: `the file was clobbered and its last good copy put back at the start (${reason}); what was there lies beside it`,
});

const provenance = ({ path, files, isList, hasSiblings }: IncludeUse): Provenance => ({
  path: [...path],
  kind: isList ? "multiple" : "single",
  hasSiblingOverrides: hasSiblings,
  hasArrayAncestor: path.some((step) => typeof step === "number"),
  targetPaths: files,
});

/** Whether an include makes up the value at a path, something above it, or something below it. */
const ownsPart = (includes: readonly IncludeUse[], part: readonly string[]): boolean =>
  includes.some(({ path }) => path.every((step, index) => index >= part.length || step === part[index]));
