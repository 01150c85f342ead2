import { changeFiles, type FileChange } from "../../../platform/fs-safe/changes.ts";
import { type Tool, type ToolContext, type ToolSubject, textResult } from "../../types.ts";
import type { Area } from "../area.ts";
import type { FileToolDeps } from "../create.ts";
import { permitWrite } from "../permit.ts";
import { parsePatch } from "./parse.ts";
import { type Outcome, planPatch } from "./plan.ts";

interface PatchDeps extends FileToolDeps {
  settings(): { isEnabled: boolean; models: string[] };
}

/** `apply_patch`: changes of several files, all of them or none (docs: tools/apply-patch). */
export function patchTool({ area, defender, limits, settings }: PatchDeps): Tool {
  return {
    name: "apply_patch",
    description:
      "Changes one or more files by a patch, all of them or none. The input begins with *** Begin Patch and ends with *** End Patch; between them stand *** Add File:, *** Update File: and *** Delete File:.",
    parameters: {
      type: "object",
      required: ["input"],
      properties: { input: { type: "string", description: "The whole patch." } },
    },
    isAvailable: (subject) => isOffered(settings(), subject),
    run: async (args, context) => {
      const steps = parsePatch(String(args.input));
      const here = area(context);
      const { outcomes, summary } = await planPatch(steps, here, limits);
      await carryOut(outcomes, here, context, defender);
      return textResult(["Success. Updated the following files:", ...summary].join("\n"));
    },
  };
}

async function carryOut(
  outcomes: readonly Outcome[],
  here: Area,
  context: ToolContext,
  defender: FileToolDeps["defender"],
): Promise<void> {
  for (const { path, bytes } of outcomes) {
    await permitWrite(defender, { path, content: bytes ?? NOTHING }, context);
  }
  context.signal.throwIfAborted();
  const changes = outcomes.map(
    ({ parts, bytes, before, isNew }): FileChange => ({
      parts,
      bytes,
      before: before ?? "absent",
      // What is new is not put behind a link: the patch shows another place than the one that is written.
      ...(isNew ? { links: "none" } : {}),
    }),
  );
  try {
    await changeFiles(here.root, changes);
  } catch (error) {
    throw here.told(error, "");
  }
}

/** A file that is taken away is judged as one without content. */
const NOTHING = new Uint8Array();

function isOffered({ isEnabled, models }: { isEnabled: boolean; models: string[] }, subject: ToolSubject): boolean {
  if (!isEnabled) return false;
  if (models.length === 0) return true;
  const { provider, model } = subject;
  return models.some((each) => each === model || each === `${provider}/${model}`);
}
