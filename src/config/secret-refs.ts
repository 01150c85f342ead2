import { LIMITS } from "../../generated/limits.ts";
import type { StoredSecretReader } from "../secrets/stored-secrets.ts";
import { isTree, type Tree } from "./json5.ts";
import { type EnvMap, expandHome } from "./paths.ts";
import { askCommand, type ExecProvider } from "./secret-exec.ts";
import { readPrivateFile, secretInFile } from "./secret-file.ts";
import { mapSecrets, type SecretRef } from "./secret-places.ts";
import { valueAt } from "./values.ts";

/** A reference that has no value, and why. */
export interface Unresolved {
  /** The keys above it. */
  names: readonly string[];
  reason: string;
  /** True when a command has still to be asked; see {@link SecretResolver.ask}. */
  isPending: boolean;
}

type Outcome = { value: string } | { reason: string; isPending?: boolean };

export const PROVIDER = /^[a-z][a-z0-9_-]{0,63}$/;
export const ENV_ID = /^[A-Z][A-Z0-9_]{0,127}$/;
const EXEC_ID = /^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,255}$/;

/**
 * Puts secrets in the place of references (docs: gateway/secrets/secretref-contract). Variables and files are read at
 * once; commands are asked in the background, and what they answered is remembered.
 */
export class SecretResolver {
  /** What commands answered, by provider entry and id. */
  private readonly answers = new Map<string, Outcome>();
  private asking: Promise<void> = Promise.resolve();

  constructor(
    private readonly home: string,
    private readonly stored: StoredSecretReader,
  ) {}

  /** The tree with every secret that is known in place. References without one stay, and are told. */
  resolve(tree: Tree, env: EnvMap): { tree: Tree; unresolved: Unresolved[] } {
    const unresolved: Unresolved[] = [];
    const files = new Map<string, string>();
    const settle = (original: unknown, outcome: Outcome, names: readonly string[]): unknown => {
      if ("value" in outcome) return outcome.value;
      unresolved.push({ names, reason: outcome.reason, isPending: outcome.isPending === true });
      return original;
    };
    const resolved = mapSecrets(tree, {
      value: (value, isSecret, names) => {
        const short = isSecret && typeof value === "string" ? /^\$([A-Z][A-Z0-9_]{0,127})$/.exec(value) : null;
        return short ? settle(value, fromEnv(short[1]!, env), names) : value;
      },
      reference: (ref, names) => settle(ref, this.outcome(ref, tree, env, files), names),
    });
    return { tree: resolved, unresolved };
  }

  /**
   * Asks the commands behind references that are still pending, each once for all its ids; with `only` those at keys
   * that it admits. Resolves when all have answered or failed; {@link resolve} then knows the outcome.
   */
  ask(tree: Tree, env: EnvMap, only: (names: readonly string[]) => boolean = () => true): Promise<void> {
    this.asking = this.asking.then(() => this.askAll(tree, env, only));
    return this.asking;
  }

  /** The value behind one reference that is not part of the tree, by the tree's providers. */
  async one(ref: SecretRef, tree: Tree, env: EnvMap): Promise<{ value: string } | { reason: string }> {
    const before = this.outcome(ref, tree, env, new Map());
    if ("value" in before || before.isPending !== true) return before;
    await this.askOne(providerName(ref, tree), [ref.id], tree, env);
    return this.outcome(ref, tree, env, new Map());
  }

  /** Forgets what commands answered, so that {@link ask} asks them again. */
  forget(): void {
    this.answers.clear();
  }

  /** Whether a reference of the tree names an entry of the shared store. */
  refersToStored(tree: Tree, name: string): boolean {
    let found = false;
    mapSecrets(tree, {
      value: (value) => value,
      reference: (ref) => {
        found ||= ref.source === "store" && ref.id === name && this.isStore(ref, tree);
        return ref;
      },
    });
    return found;
  }

  /** The store needs no entry among the providers, unless it goes by another name than the default. */
  private isStore(ref: SecretRef, tree: Tree): boolean {
    const name = providerName(ref, tree);
    return name === defaultProvider("store", tree) || providerEntry(name, "store", tree) !== undefined;
  }

  private async askAll(tree: Tree, env: EnvMap, only: (names: readonly string[]) => boolean): Promise<void> {
    const wanted = new Map<string, Set<string>>();
    mapSecrets(tree, {
      value: (value) => value,
      reference: (ref, names) => {
        const name = providerName(ref, tree);
        const outcome = this.outcome(ref, tree, env, new Map());
        if (only(names) && "isPending" in outcome && outcome.isPending)
          wanted.set(name, (wanted.get(name) ?? new Set()).add(ref.id));
        return ref;
      },
    });
    await Promise.all([...wanted].map(([name, ids]) => this.askOne(name, [...ids], tree, env)));
  }

  private async askOne(name: string, ids: string[], tree: Tree, env: EnvMap): Promise<void> {
    const entry = providerEntry(name, "exec", tree)!;
    try {
      const answers = await askCommand(name, execProvider(entry, this.home), ids, env);
      for (const [id, answer] of answers) this.answers.set(answerKey(entry, id), answer);
    } catch (error) {
      for (const id of ids) this.answers.set(answerKey(entry, id), { reason: (error as Error).message });
    }
  }

  private outcome(ref: SecretRef, tree: Tree, env: EnvMap, files: Map<string, string>): Outcome {
    const name = providerName(ref, tree);
    if (!PROVIDER.test(name)) return { reason: "the provider's name is not valid" };
    const entry = providerEntry(name, ref.source, tree);
    if (ref.source === "store") {
      if (!this.isStore(ref, tree)) return noProvider(name, ref.source);
      return ENV_ID.test(ref.id) ? this.stored(ref.id) : { reason: "the id must be the name of a stored secret" };
    }
    if (ref.source === "env") {
      if (entry === undefined && name !== defaultProvider("env", tree)) return noProvider(name, ref.source);
      const allowed = Array.isArray(entry?.allowlist) ? entry.allowlist : undefined;
      if (allowed && !allowed.includes(ref.id)) return { reason: `${ref.id} is not in the provider's allowlist` };
      return fromEnv(ref.id, env);
    }
    if (entry === undefined) return noProvider(name, ref.source);
    return ref.source === "file" ? this.fromFile(ref.id, entry, files) : this.fromCommand(ref.id, entry);
  }

  private fromFile(id: string, entry: Tree, files: Map<string, string>): Outcome {
    if (typeof entry.path !== "string") return { reason: "the provider names no path" };
    const path = expandHome(entry.path, this.home);
    try {
      const text = files.get(path) ?? readPrivateFile(path, positive(entry.maxBytes) ?? LIMITS.secretBytes);
      files.set(path, text);
      return { value: secretInFile(text, id, entry.mode === "singleValue" ? "singleValue" : "json") };
    } catch (error) {
      return { reason: (error as Error).message };
    }
  }

  private fromCommand(id: string, entry: Tree): Outcome {
    const isValid = EXEC_ID.test(id) && !id.split("/").some((part) => part === "." || part === "..");
    if (!isValid) return { reason: "the id is not valid for a command" };
    if (typeof entry.command !== "string") return { reason: "the provider names no command" };
    return this.answers.get(answerKey(entry, id)) ?? { reason: "the command has not answered yet", isPending: true };
  }
}

function fromEnv(id: string, env: EnvMap): Outcome {
  if (!ENV_ID.test(id)) return { reason: "the id must be the name of an environment variable" };
  const value = env[id];
  return value ? { value } : { reason: `the environment variable ${id} is not set` };
}

const noProvider = (name: string, source: string): Outcome => ({
  reason: `secrets.providers has no entry ${name} with source ${source}`,
});

const providerName = (ref: SecretRef, tree: Tree): string => ref.provider ?? defaultProvider(ref.source, tree);

function defaultProvider(source: string, tree: Tree): string {
  const named = valueAt(tree, ["secrets", "defaults", source]);
  return typeof named === "string" ? named : "default";
}

function providerEntry(name: string, source: string, tree: Tree): Tree | undefined {
  const entry = valueAt(tree, ["secrets", "providers", name]);
  return isTree(entry) && entry.source === source ? entry : undefined;
}

const answerKey = (entry: Tree, id: string): string => JSON.stringify([entry, id]);

function execProvider(entry: Tree, home: string): ExecProvider {
  const texts = (value: unknown): string[] =>
    Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
  const timeoutMs = positive(entry.timeoutMs) ?? LIMITS.secretTimeoutMs;
  return {
    command: expandHome(String(entry.command), home),
    args: texts(entry.args),
    timeoutMs,
    noOutputTimeoutMs: positive(entry.noOutputTimeoutMs) ?? timeoutMs,
    maxOutputBytes: positive(entry.maxOutputBytes) ?? LIMITS.secretBytes,
    jsonOnly: entry.jsonOnly !== false,
    env: isTree(entry.env) ? (entry.env as Record<string, string>) : {},
    passEnv: texts(entry.passEnv),
    ...(Array.isArray(entry.trustedDirs) && {
      trustedDirs: texts(entry.trustedDirs).map((folder) => expandHome(folder, home)),
    }),
  };
}

const positive = (value: unknown): number | undefined => (typeof value === "number" && value > 0 ? value : undefined);
