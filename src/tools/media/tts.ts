import type { Speaker } from "../../voice/speaker.ts";
import { asked, object } from "../domain.ts";
import { jsonResult, type Tool, ToolError } from "../types.ts";

/** `tts`: a text as sound, in a file on this machine (docs: tools/tts). */
export function ttsTool(speaker: Speaker): Tool {
  return {
    name: "tts",
    description:
      "Turns a text into spoken audio with the voice that is set up, as a file on the gateway's machine. Only when the user wants to hear something.",
    parameters: object({ text: { type: "string" }, channel: { type: "string", description: "For the format." } }, [
      "text",
    ]),
    async run({ text, channel }) {
      const said = String(text);
      if (said.trim() === "") throw new ToolError("text required");
      return jsonResult({
        ...(await asked(speaker.convert({ text: said, ...(channel ? { channel: String(channel) } : {}) }))),
      });
    },
  };
}
