import type { Stats } from "node:fs";
import { join } from "node:path";
import { PathRefused } from "../../../platform/fs-safe/refusal.ts";
import { ToolError } from "../../types.ts";
import type { Area, Wanted } from "../area.ts";
import type { FileToolLimits } from "../create.ts";
import { decode, encode } from "../text.ts";
import { place } from "./apply.ts";
import type { PatchStep } from "./parse.ts";

/** What a file is after the patch. */
export interface Outcome {
  parts: string[];
  path: string;
  /** Undefined when it is gone. */
  bytes: Uint8Array | undefined;
  /** The file before; undefined when there was none. */
  before: Stats | undefined;
  isNew: boolean;
}

/** A file as the steps so far leave it. */
interface State extends Omit<Outcome, "isNew"> {
  isChanged: boolean;
}

/**
 * Thinks a patch through without changing anything: each step sees what those before it did.
 * @returns what is to be on disk afterwards, and the lines for the model: added, modified, deleted
 * @throws ToolError for a step that cannot be done
 */
export async function planPatch(
  steps: readonly PatchStep[],
  here: Area,
  limits: FileToolLimits,
): Promise<{ outcomes: Outcome[]; summary: string[] }> {
  const plan = new Plan(here, limits);
  for (const step of steps) await plan.take(step);
  return plan.result();
}

class Plan {
  private readonly states = new Map<string, State>();
  private readonly lists = { A: new Set<string>(), M: new Set<string>(), D: new Set<string>() };

  constructor(
    private readonly here: Area,
    private readonly limits: FileToolLimits,
  ) {}

  async take(step: PatchStep): Promise<void> {
    if (step.kind === "add") return this.add(step);
    if (step.kind === "delete") return this.remove(step);
    return this.update(step);
  }

  result(): { outcomes: Outcome[]; summary: string[] } {
    const outcomes = [...this.states.values()]
      .filter(({ before, bytes, isChanged }) => isChanged && (before !== undefined || bytes !== undefined))
      .map(({ parts, path, bytes, before }) => ({ parts, path, bytes, before, isNew: before === undefined }));
    const summary = Object.entries(this.lists).flatMap(([sign, paths]) => [...paths].map((path) => `${sign} ${path}`));
    return { outcomes, summary };
  }

  private add({ path, content }: PatchStep & { kind: "add" }): void {
    const { state, wanted } = this.state(path);
    if (this.isThere(state)) {
      throw new ToolError(
        `Cannot create ${path}: the file already exists. Use "*** Update File: ${path}" to change it, or delete it earlier in the same patch.`,
      );
    }
    this.put(state, Buffer.from(content), path);
    this.lists.A.add(this.here.relative(wanted.path));
  }

  private remove({ path, line }: PatchStep & { kind: "delete" }): void {
    const { state, wanted } = this.state(path);
    if (!this.isThere(state))
      throw new ToolError(`Failed to delete ${path} (line ${line} of the patch): file not found`);
    if (state.before?.isDirectory()) throw new ToolError(`Failed to delete ${path}: it is a directory`);
    this.put(state, undefined, path);
    this.lists.D.add(this.here.relative(wanted.path));
  }

  private async update({ path, moveTo, chunks, line }: PatchStep & { kind: "update" }): Promise<void> {
    const { state, wanted } = this.state(path);
    await this.load(state, path, line);
    const file = decode(state.bytes!, wanted.path);
    const found = place(file.text, chunks, wanted.path);
    const after = encode(file, found);
    const target = moveTo === undefined ? undefined : this.state(moveTo);
    if (!target || target.state === state) {
      if (!Buffer.from(after).equals(state.bytes!)) this.put(state, after, path);
      this.lists.M.add(this.here.relative(wanted.path));
      return;
    }
    if (this.isThere(target.state)) {
      throw new ToolError(
        `Cannot create ${moveTo}: the file already exists. Delete it earlier in the same patch to replace it.`,
      );
    }
    this.put(target.state, after, moveTo!);
    this.put(state, undefined, path);
    this.lists.M.add(this.here.relative(target.wanted.path));
  }

  private put(state: State, bytes: Uint8Array | undefined, path: string): void {
    const { toolFileBytes } = this.limits;
    if (bytes && bytes.length > toolFileBytes) throw new ToolError(`More than ${toolFileBytes} bytes: ${path}`);
    state.bytes = bytes;
    state.isChanged = true;
  }

  /** Whether there is something after the steps so far. A file that was not read yet has neither been changed. */
  private isThere(state: State): boolean {
    return state.bytes !== undefined;
  }

  /** What is known of a file. Places are told apart by where they really are, whatever links lead there. */
  private state(given: string): { state: State; wanted: Wanted } {
    const { root } = this.here;
    const wanted = this.here.wanted(given);
    try {
      using spot = root.place(wanted.parts);
      const known = this.states.get(spot.path);
      if (known) return { state: known, wanted };
      const before = spot.folder.look(spot.name);
      const fresh = { parts: wanted.parts, path: spot.path, before, bytes: before && UNREAD, isChanged: false };
      return { state: this.remember(fresh), wanted };
    } catch (error) {
      // A folder that is not there yet has no links below it.
      if (!(error instanceof PathRefused) || error.problem !== "missing") throw this.here.told(error, given);
      const path = join(root.path, ...wanted.parts);
      const fresh = { parts: wanted.parts, path, before: undefined, bytes: undefined, isChanged: false };
      return { state: this.states.get(path) ?? this.remember(fresh), wanted };
    }
  }

  private remember(state: State): State {
    const { patchMaxFiles } = this.limits;
    if (this.states.size >= patchMaxFiles) throw new ToolError(`More than ${patchMaxFiles} files in one patch`);
    this.states.set(state.path, state);
    return state;
  }

  /** Reads a file that is to be updated. */
  private async load(state: State, given: string, line: number): Promise<void> {
    if (state.bytes !== UNREAD && state.bytes !== undefined) return;
    const failed = (why: string) =>
      new ToolError(`Failed to read file to update ${given} (line ${line} of the patch): ${why}`);
    if (state.bytes === undefined) throw failed("path not found");
    try {
      const { bytes, facts } = await this.here.root.read(state.parts, this.limits.toolFileBytes);
      state.bytes = bytes;
      state.before = facts;
    } catch (error) {
      if (error instanceof PathRefused && (error.problem === "a-folder" || error.problem === "not-a-file")) {
        throw failed("not a regular file");
      }
      if (error instanceof PathRefused && error.problem === "link") throw failed("unsafe path");
      throw this.here.told(error, given);
    }
  }
}

/** Stands for the content of a file that is there and was not read. */
const UNREAD: Uint8Array = new Uint8Array();
