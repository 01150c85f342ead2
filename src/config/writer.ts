import { configKeys } from "../../generated/config.ts";
import type {
  ConfigApplyParams,
  ConfigOpenFileResult,
  ConfigPatchParams,
  ConfigSetParams,
  ConfigWriteResult,
} from "../../generated/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import type { Logger } from "../platform/logger.ts";
import type { Settings } from "../store/settings.ts";
import { keepRejected, replaceWithBackup } from "./backups.ts";
import { checkTree } from "./check.ts";
import type { Config } from "./config.ts";
import { degradedOwners } from "./degraded.ts";
import { shownConfig } from "./effective.ts";
import { substitute } from "./environment.ts";
import { refuseRedacted, takeBack } from "./give-back.ts";
import { includeFindings, issuesText, writeIssues } from "./issues.ts";
import { isTree, parseJson5, type Tree } from "./json5.ts";
import { syntaxMessage } from "./locate.ts";
import { lostLists, mergePatch } from "./merge-patch.ts";
import { ConfigError, dotted } from "./problem.ts";
import type { ConfigSource } from "./source.ts";
import { changedPaths, differences, valueAt, withValue } from "./values.ts";
import { planWrite } from "./write-plan.ts";

export interface ConfigWriterOptions {
  config: Config;
  settings: Settings;
  bus: EventBus;
  clock: Clock;
  /** Upstream's version whose reading of the file this gateway follows; noted in the file. */
  version: string;
}

type Note = Pick<ConfigPatchParams, "sessionKey" | "deliveryContext" | "note">;

/** Where {@link Settings} keep what a client said about its last write, until the next start has told of it. */
const LAST_WRITE = "config.last-write";

/**
 * Writes of the config file over the protocol (BEHAVIOUR section 9; docs: gateway/configuration/config-rpc). Nothing is
 * written that the gateway could not start with; what stays keeps its comments, order and references.
 */
export class ConfigWriter {
  constructor(private readonly options: ConfigWriterOptions) {}

  /** Says in the log which write a start was waited for with, once. */
  async reportLast(log: Logger): Promise<void> {
    const { settings } = this.options;
    const last = await settings.get<{
      message: string | null;
      stats: { mode: string; requiresRestart: boolean };
    } | null>(LAST_WRITE);
    if (!last?.stats.requiresRestart) return;
    log.info("started with a configuration that waited for a restart", { by: last.stats.mode, note: last.message });
    await settings.set(LAST_WRITE, null);
  }

  /** Replaces the whole configuration. @throws GatewayError */
  set({ raw, baseHash }: ConfigSetParams): ConfigWriteResult {
    const { wanted } = this.whole(raw, baseHash);
    const { result } = this.write(wanted);
    return result;
  }

  /** {@link set}, and says what became of it. @throws GatewayError */
  async apply(params: ConfigApplyParams): Promise<ConfigWriteResult> {
    const { wanted } = this.whole(params.raw, params.baseHash);
    const { result, waiting } = this.write(wanted);
    return { ...result, ...(await this.noted("config.apply", params, waiting)) };
  }

  /** Lays a JSON merge patch on the configuration. @throws GatewayError */
  async patch(params: ConfigPatchParams): Promise<ConfigWriteResult> {
    const { config } = this.options;
    const shown = config.snapshot();
    if (params.baseHash !== undefined) requireHash(shown, params.baseHash);
    const patch = parseRaw(params.raw);
    if (!isTree(patch)) throw invalidRequest("config.patch raw must be an object");
    const source = config.disk.read().source;
    if (source === null) throw invalidRequest("invalid config; fix before patching");

    const meant = takeBack(patch, { views: viewsOf(shown), written: source.source }, true) as Tree;
    const replaced = new Set(params.replacePaths ?? []);
    const wanted = mergePatch(source.source, meant, replaced) as Tree;
    refuseRedacted(wanted);
    const lost = lostLists(source.source, wanted).filter((path) => !replaced.has(path));
    if (lost.length > 0) throw wouldLose(lost);
    const { path } = config;
    if (differences(source.source, wanted).length === 0) {
      return { ok: true, noop: true, changedPaths: [], path, config: shown.config };
    }
    if (params.baseHash === undefined && shown.exists) {
      const keys = changedPaths(source.source, wanted).map(dotted).join(", ");
      throw invalidRequest(`config base hash required for ${keys}; re-run config.get and retry with baseHash`);
    }
    const { result, changed, waiting } = this.write(wanted);
    return { ...result, changedPaths: changed, ...(await this.noted("config.patch", params, waiting)) };
  }

  /** Writes what the function makes of the file's tree, includes and references as written. @throws GatewayError */
  edit(change: (tree: Tree) => Tree): void {
    const source = this.options.config.disk.read().source;
    if (source === null) throw invalidRequest("invalid config; fix it before changing it");
    this.write(change(source.source));
  }

  /** The gateway opens no editor: whoever asks may sit at another machine. */
  openFile(): ConfigOpenFileResult {
    const { path } = this.options.config;
    return { ok: false, path, error: `The gateway opens no files on its host. Edit ${path} there.` };
  }

  private whole(raw: string, baseHash: string | undefined): { wanted: Tree } {
    const { config } = this.options;
    const shown = config.snapshot();
    if (shown.exists) {
      if (baseHash === undefined) throw invalidRequest("config base hash required; re-run config.get and retry");
      requireHash(shown, baseHash);
    }
    const given = parseRaw(raw);
    if (Array.isArray(given)) {
      const message = "Invalid input: expected object, received array";
      throw invalidRequest(issuesText([{ path: "", message }]), { issues: [{ path: "", message }] });
    }
    if (!isTree(given)) throw invalidRequest("invalid config");
    const written = config.disk.read().source?.source;
    const wanted = (takeBack(given, { views: viewsOf(shown), written }, false) ?? {}) as Tree;
    refuseRedacted(wanted);
    return { wanted };
  }

  /** @param wanted the configuration with its includes in place */
  private write(wanted: Tree): { result: ConfigWriteResult; changed: string[]; waiting: string[] } {
    const { config, clock, bus } = this.options;
    const before = config.disk.read();
    const source = before.source ?? { ...config.disk.draft(new Map([[config.path, ""]])), exists: before.exists };
    this.refuseNewIssues(source, wanted);
    const change = planWrite(config.path, source, wanted, (tree) => this.stamped(tree));
    const draft = this.draft(change.file, change.after, wanted);
    if (change.after !== change.before || before.source === null) {
      const isRoot = change.file === config.path;
      if (isRoot && before.source !== null) refuseClobber(change.file, before.source, draft, clock.now());
      this.store(change.file, before.exists || !isRoot ? (isRoot ? before.text : change.before) : null, change.after);
      config.written();
      bus.publish("config.changed", { path: config.path, hash: config.hash, ts: clock.now() });
    }
    const changed = differences(shownConfig(source.resolved), shownConfig(draft.resolved))
      .filter(([section]) => section !== "meta")
      .map(dotted);
    const restart = new Set(changedPaths(source.resolved, draft.resolved).map(dotted));
    const waiting = config.reload.waiting.filter((key) => restart.has(key));
    const { path, hash, sourceConfig } = config.snapshot();
    const degraded = degradedOwners(config.unresolvedSecrets());
    return {
      result: {
        ok: true,
        path,
        hash,
        config: sourceConfig!,
        ...(degraded.length > 0 && { degradedSecretOwners: degraded }),
      },
      changed,
      waiting,
    };
  }

  /** Refuses what the key tree does not like, unless the file said so before. @throws GatewayError with `details.issues` */
  private refuseNewIssues(source: ConfigSource, wanted: Tree): void {
    const known = new Set(
      checkTree(source.resolved, configKeys()).map(({ path, reason }) => `${dotted(path)} ${reason}`),
    );
    const resolved = substitute(wanted, source.env, () => {});
    const found = checkTree(resolved, configKeys()).filter(
      ({ path, reason }) => !known.has(`${dotted(path)} ${reason}`),
    );
    const includes = includeFindings(wanted);
    const places = new Set(includes.map(({ path }) => dotted(path)));
    const issues = writeIssues([...found.filter(({ path }) => !places.has(dotted(path))), ...includes]);
    if (issues.length > 0) throw invalidRequest(issuesText(issues), { issues });
  }

  /** Reads what is to be written as the next start would. @throws GatewayError when that start would fail */
  private draft(file: string, text: string, wanted: Tree): ConfigSource {
    try {
      const draft = this.options.config.tryOut(new Map([[file, text]]));
      const ends = differences(draft.source, wanted).filter(([section]) => section !== "meta");
      if (ends.length > 0) throw new Error(`the file would say something else at ${dotted(ends[0]!)}`);
      return draft;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const reasons = error.problems.map(({ path, reason }) => `${path === "" ? "<root>" : path}: ${reason}`);
      throw invalidRequest(`invalid config: ${reasons.join("; ")}`);
    }
  }

  private store(file: string, before: string | null, after: string): void {
    try {
      replaceWithBackup(file, before, after);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      throw new GatewayError("UNAVAILABLE", `the config file could not be written (${code})`);
    }
  }

  /** The marks with which upstream knows who wrote the file last and that it needs none of the migrations up to then. */
  private stamped(tree: Tree): Tree {
    if (valueAt(tree, ["meta", "$include"]) !== undefined) return tree;
    const migrations = { modelPolicyAllowlist: true, utilityModelSeparation: true };
    const marked = withValue(tree, ["meta", "migrations"], {
      ...(valueAt(tree, ["meta", "migrations"]) as Tree),
      ...migrations,
    });
    return withValue(marked, ["meta", "lastTouchedVersion"], this.options.version);
  }

  private async noted(mode: string, { sessionKey, deliveryContext, note }: Note, waiting: string[]) {
    const { config, clock, settings } = this.options;
    const payload = {
      kind: mode.replace(".", "-"),
      status: "ok",
      ts: clock.now(),
      ...(sessionKey !== undefined && { sessionKey }),
      ...(deliveryContext !== undefined && { deliveryContext }),
      message: note ?? null,
      doctorHint:
        "Recommended follow-up: run openclaw doctor --non-interactive in a terminal or approvals-capable OpenClaw surface.",
      stats: { mode, root: config.path, requiresRestart: waiting.length > 0 },
    };
    await settings.set(LAST_WRITE, payload);
    // Upstream restarts by itself; here a person decides when, and is told what waits for it.
    return { sentinel: { persisted: true, payload }, ...(waiting.length > 0 && { waitingForRestart: waiting }) };
  }
}

const viewsOf = ({ parsed, sourceConfig, resolved, config }: ReturnType<Config["snapshot"]>): unknown[] => [
  sourceConfig,
  parsed,
  resolved,
  config,
];

function requireHash(shown: { exists: boolean; hash?: string }, baseHash: string): void {
  if (shown.exists && shown.hash !== baseHash) {
    throw invalidRequest("config changed since last load; re-run config.get and retry");
  }
}

function parseRaw(raw: string): unknown {
  try {
    return parseJson5(raw, "raw");
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw invalidRequest(`SyntaxError: ${syntaxMessage(raw) ?? error.problems[0]!.reason}`);
  }
}

const wouldLose = (paths: readonly string[]): GatewayError =>
  invalidRequest(
    `config.patch would remove entries from array path(s): ${paths.join(", ")}. Pass replacePaths with the exact path(s) when this is intentional, or use config.apply for full-config replacement.`,
  );

/** Files of fewer bytes may shrink as they like. */
const CLOBBER_BYTES = 512;

/** Refuses a write that looks like an accident: most of the file gone, or the mark that it is a gateway's. @throws GatewayError */
function refuseClobber(file: string, before: ConfigSource, after: ConfigSource, now: number): void {
  const [from, to] = [Buffer.byteLength(before.text), Buffer.byteLength(after.text)];
  const mode = ["gateway", "mode"];
  const reasons = [
    ...(from >= CLOBBER_BYTES && to < from / 2 ? [`size-drop:${from}->${to}`] : []),
    ...(valueAt(before.resolved, mode) !== undefined && valueAt(after.resolved, mode) === undefined
      ? ["gateway-mode-removed"]
      : []),
  ];
  if (reasons.length === 0) return;
  const kept = keepRejected(file, after.text, now);
  throw new GatewayError(
    "UNAVAILABLE",
    `Error: Config write rejected: ${file} (${reasons.join(", ")}). Rejected payload saved to ${kept}.: code=CONFIG_WRITE_REJECTED`,
  );
}
