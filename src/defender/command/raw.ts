import type { Finding } from "../types.ts";
import type { Call } from "./call.ts";

const NETWORK = /socket|TCPSocket|net\.Dial|Socket::|fsockopen|\/dev\/(?:tcp|udp)\//i;
const SHELL = /\/bin\/(?:ba|z|da)?sh\b|ProcessBuilder|exec\.Command|Process\.new|Process::|\bsh -i\b|shell:\s*true/;
const FIFO_SHELL = /mkfifo[^\n]{0,200}\b(?:nc|ncat|telnet|openssl)\b/;
const WIDE = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\u00ad\ufeff]/;

/** Signs in the text itself, for source code of other languages that is given as a command, and hidden characters. */
export function rawSigns(text: string, calls: readonly Call[]): Finding[] {
  const found: Finding[] = [];
  const isPrinted =
    calls.length > 0 &&
    calls.every(
      ({ name, redirects, after }) =>
        /^(?:echo|printf|grep|cat|tee|rg|git)$/.test(name) && redirects.length === 0 && after.length === 0,
    );
  if (!isPrinted && ((NETWORK.test(text) && SHELL.test(text)) || FIFO_SHELL.test(text))) {
    found.push({ id: "command.source-shell", score: 85, reason: "Holds code that connects a shell with the network." });
  }
  if (WIDE.test(text)) {
    found.push({ id: "command.hidden-characters", score: 60, reason: "Holds characters that are not shown." });
  }
  return found;
}
