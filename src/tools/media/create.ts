import type { Models } from "../../models/models.ts";
import type { Speaker } from "../../voice/speaker.ts";
import type { Tool } from "../types.ts";
import { ttsTool } from "./tts.ts";
import { type ViewImageDeps, viewImageTool } from "./view-image.ts";

export interface MediaToolsDeps extends ViewImageDeps {
  models: Models;
  speaker: Speaker;
}

/** The tools by which an agent speaks and looks at pictures. */
export function mediaTools(deps: MediaToolsDeps): Tool[] {
  return [ttsTool(deps.speaker), viewImageTool(deps)];
}
