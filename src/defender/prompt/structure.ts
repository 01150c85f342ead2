import type { Sign } from "./phrases.ts";

interface Marker {
  id: string;
  weight: number;
  reason: string;
  /** Global; begins with a fixed text or at the start of a line, every repetition bounded. */
  pattern: RegExp;
}

const FAKE_BLOCK = "Imitates a message of the system or of a tool.";

/** Forms that only the frame around a conversation uses. Inside a message they pretend that it has ended. */
const MARKERS: readonly Marker[] = [
  {
    id: "chat-template-role",
    weight: 70,
    reason: "Imitates the start of a system message in a model's own notation.",
    pattern: /<\|im_start\|>\s{0,3}system|<\|system\|>|<\|start_header_id\|>\s{0,3}system|<<SYS>>/gi,
  },
  {
    id: "chat-template",
    weight: 45,
    reason: "Contains marks of a model's own notation for turns.",
    pattern:
      /<\|(?:im_start|im_end|im_sep|user|assistant|endoftext|start_header_id|end_header_id|eot_id|begin_of_text|end_of_turn)\|>|<<\/SYS>>|\[\/?INST\]|<(?:start|end)_of_turn>/gi,
  },
  {
    id: "boundary-marker",
    weight: 85,
    reason: "Imitates the marks that the gateway puts around text from outside.",
    pattern: /(?<!`)<{2,3}\/?(?:END_|BEGIN_)?EXTERNAL_UNTRUSTED_CONTENT/gi,
  },
  {
    id: "system-block",
    weight: 50,
    reason: FAKE_BLOCK,
    pattern:
      /(?<!`)<\/?(?:system(?:[-_ ](?:prompt|message|reminder|instructions?|override|note))?|tool[-_](?:result|response|output)|function[-_](?:results?|response)|developer[-_](?:message|instructions?))(?:\s[^<>\n]{0,200})?>/gi,
  },
  {
    id: "system-order",
    weight: 60,
    reason: FAKE_BLOCK,
    pattern:
      /(?:^|\n)[ \t]{0,8}[#*>[({=-]{0,6} {0,2}(?:system|developer|admin|security) (?:override|command|directive|update|alert)\b[^\n]{0,20}?[\])}*:>]/gi,
  },
  {
    id: "system-line",
    weight: 45,
    reason: FAKE_BLOCK,
    pattern:
      /(?:^|\n)[ \t]{0,8}[#*>[({=-]{0,6} {0,2}(?:system|developer) (?:message|prompt|instructions?|notice)\b[^\n]{0,20}?[\])}*:>]/gi,
  },
  {
    id: "role-line",
    weight: 35,
    reason: "Imitates the turn of another speaker.",
    pattern: /(?:^|\n)[ \t]{0,8}(?:[#*>[(]{1,6} {0,2}|)(?:system|assistant|developer)(?:[\])*]{1,4}:?|:)[ \t\n]/gi,
  },
  {
    id: "json-role",
    weight: 35,
    reason: FAKE_BLOCK,
    pattern: /["']role["']\s{0,4}:\s{0,4}["'](?:system|developer|tool)["']/gi,
  },
  {
    id: "end-of-data",
    weight: 40,
    reason: "Pretends that the data ends and instructions begin.",
    pattern:
      /(?:^|\n)[ \t]{0,8}[-=*#_<[]{2,12} {0,2}(?:end|stop|begin|start|new) (?:of )?(?:the )?(?:system |user |previous |initial )?(?:prompt|instructions?|document|context|input|data|message|task|query)s?\b/gi,
  },
];

/** Markers of roles and blocks in a text. */
export function markerSigns(text: string): Sign[] {
  return MARKERS.flatMap(({ id, weight, reason, pattern }) =>
    [...text.matchAll(pattern)].map(
      (match): Sign => ({
        id,
        family: "structure",
        weight,
        reason,
        start: match.index,
        end: match.index + match[0].length,
      }),
    ),
  );
}

const LINK_TARGET = /\]\(\s{0,3}<?https?:\/\/([^\s)>]{1,600})|\bsrc\s{0,2}=\s{0,2}["']?https?:\/\/([^\s"'>]{1,600})/gi;
/** A place for data in an address: `{conversation}`, `<secret>`, `[DATA]`, `$PASSWORD`. */
const SLOT =
  /(?:[{[<]|%7B|%5B|%3C|\$)[A-Z_ .+-]{0,24}(?:secret|passw|key|token|data|conversation|history|prompt|message|chat|context|memory|e-?mail|base64|encoded|summary|answer|response|user|info|content|env|file)[A-Z_ .+-]{0,24}/i;

/** Links and images whose address asks to be filled with something from the conversation. */
export function linkSigns(text: string): Sign[] {
  const signs: Sign[] = [];
  for (const match of text.matchAll(LINK_TARGET)) {
    const address = match[1] ?? match[2] ?? "";
    const data = address.search(/[/?]/);
    if (data < 0 || !SLOT.test(address.slice(data))) continue;
    signs.push({
      id: "exfiltrating-link",
      family: "exfiltration",
      weight: 60,
      reason: "Contains an address that is to be filled with private text; showing it would send that away.",
      start: match.index,
      end: match.index + match[0].length,
    });
  }
  return signs;
}

/** A stretch of text that a reader does not see, but a model does. */
export type Hidden = [start: number, end: number];

const INVISIBLE_STYLE =
  /style\s{0,2}=\s{0,2}["'][^"'<>]{0,200}?(?:display\s{0,2}:\s{0,2}none|visibility\s{0,2}:\s{0,2}hidden|font-size\s{0,2}:\s{0,2}0(?![.\d])|opacity\s{0,2}:\s{0,2}0(?![.\d])|(?<!-)color\s{0,2}:\s{0,2}(?:white|transparent|#fff(?:fff)?\b))|<[a-z]{1,10} [^<>]{0,200}?\bhidden\b/gi;
const MAX_HIDDEN_CHARS = 4000;

/** Comments and invisible elements of HTML and Markdown. */
export function hiddenMarkup(text: string): Hidden[] {
  const hidden = [
    ...between(text, "<!--", "-->"),
    ...between(text, "\n[//]: #", "\n"),
    ...between(text, "[comment]: <>", "\n"),
  ];
  for (const match of text.matchAll(INVISIBLE_STYLE)) {
    const start = text.indexOf(">", match.index + match[0].length);
    if (start < 0) break;
    const end = text.indexOf("</", start);
    hidden.push([start, Math.min(end < 0 ? text.length : end, start + MAX_HIDDEN_CHARS)]);
  }
  return hidden;
}

function between(text: string, open: string, close: string): Hidden[] {
  const found: Hidden[] = [];
  for (let start = text.indexOf(open); start >= 0; ) {
    const end = text.indexOf(close, start + open.length);
    if (end < 0) {
      found.push([start, text.length]);
      break;
    }
    found.push([start, end]);
    start = text.indexOf(open, end);
  }
  return found;
}
