import { McpFailure } from "./transport.ts";

export interface ServerEvent {
  event: string;
  data: string;
}

/**
 * Reads a stream of events (HTML standard, server-sent events) until it ends.
 * @throws McpFailure for an event of more than `maxBytes`
 */
export async function readEvents(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  take: (event: ServerEvent) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  let event = "";
  let data: string[] = [];
  let size = 0;
  const line = (text: string): void => {
    if (text === "") {
      if (data.length > 0) take({ event: event || "message", data: data.join("\n") });
      [event, data, size] = ["", [], 0];
      return;
    }
    const colon = text.indexOf(":");
    const [field, value] = colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1).replace(/^ /, "")];
    if (field === "event") event = value;
    if (field === "data") data.push(value);
    size += text.length;
    if (size > maxBytes) throw new McpFailure("it sent too much in one event");
  };
  for await (const chunk of stream) {
    const text = rest + decoder.decode(chunk, { stream: true });
    // A carriage return at the end may be half of a line's end.
    const held = text.endsWith("\r") ? 1 : 0;
    const lines = text.slice(0, text.length - held).split(/\r\n|\n|\r/);
    rest = lines.pop()! + text.slice(text.length - held);
    if (rest.length > maxBytes) throw new McpFailure("it sent too much in one line");
    for (const each of lines) line(each);
  }
}
