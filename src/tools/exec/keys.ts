/** Keys of a terminal by the names that tmux gives them, and what a terminal sends for them. */
const NAMED: Readonly<Record<string, string>> = {
  enter: "\r",
  return: "\r",
  tab: "\t",
  btab: "\x1b[Z",
  escape: "\x1b",
  esc: "\x1b",
  space: " ",
  bspace: "\x7f",
  backspace: "\x7f",
  up: "\x1b[A",
  down: "\x1b[B",
  right: "\x1b[C",
  left: "\x1b[D",
  home: "\x1b[H",
  end: "\x1b[F",
  insert: "\x1b[2~",
  ic: "\x1b[2~",
  delete: "\x1b[3~",
  dc: "\x1b[3~",
  pageup: "\x1b[5~",
  pgup: "\x1b[5~",
  ppage: "\x1b[5~",
  pagedown: "\x1b[6~",
  pgdn: "\x1b[6~",
  npage: "\x1b[6~",
  f1: "\x1bOP",
  f2: "\x1bOQ",
  f3: "\x1bOR",
  f4: "\x1bOS",
  f5: "\x1b[15~",
  f6: "\x1b[17~",
  f7: "\x1b[18~",
  f8: "\x1b[19~",
  f9: "\x1b[20~",
  f10: "\x1b[21~",
  f11: "\x1b[23~",
  f12: "\x1b[24~",
};

const MODIFIER_BITS: Readonly<Record<string, number>> = { s: 1, m: 2, c: 4 };

/** What `send-keys` is given; sent in this order (docs: tools/exec). */
export interface KeyInput {
  literal?: string;
  hex?: readonly string[];
  keys?: readonly string[];
}

/** The bytes for a terminal, and what could not be understood. */
export function keyBytes({ literal = "", hex = [], keys = [] }: KeyInput): { bytes: Uint8Array; warnings: string[] } {
  const warnings: string[] = [];
  const raw: number[] = [];
  for (const item of hex) {
    if (/^(0x)?[0-9a-f]{1,2}$/i.test(item.trim())) raw.push(Number.parseInt(item.trim().replace(/^0x/i, ""), 16));
    else warnings.push(`Invalid hex byte: ${item}`);
  }
  const typed = keys.map(keyText).join("");
  return { bytes: Buffer.concat([Buffer.from(literal), Buffer.from(raw), Buffer.from(typed)]), warnings };
}

/** `C-c`, `M-x`, `S-Up`, `^D`, `Enter`; a word that is no key is typed as it is. */
function keyText(token: string): string {
  const caret = /^\^([@-_a-z?])$/.exec(token);
  if (caret) return control(caret[1]!);
  const [, prefix = "", name = token] = /^((?:[CMS]-)*)(.+)$/s.exec(token) ?? [];
  const modifiers = new Set(prefix.toLowerCase().replaceAll("-", ""));
  const known = NAMED[name.toLowerCase()];
  if (known === " " && modifiers.has("c")) return "\0";
  if (known !== undefined) return modified(known, modifiers);
  if (modifiers.size === 0) return token;
  if ([...name].length !== 1) return token;
  let key = modifiers.has("s") ? name.toUpperCase() : name;
  if (modifiers.has("c")) key = control(name);
  return modifiers.has("m") ? `\x1b${key}` : key;
}

/** Terminals number the modifiers within the sequence: `ESC [ 1 ; 5 A` is Control and Up. */
function modified(sequence: string, modifiers: ReadonlySet<string>): string {
  if (modifiers.size === 0) return sequence;
  if (sequence === "\t" && modifiers.has("s")) return NAMED.btab!;
  let bits = 1;
  for (const modifier of modifiers) bits += MODIFIER_BITS[modifier] ?? 0;
  const behindEscape = sequence.slice(1);
  const letter = /^[[O]([A-Z])$/.exec(behindEscape);
  if (letter) return `\x1b[1;${bits}${letter[1]}`;
  const number = /^\[(\d+)~$/.exec(behindEscape);
  if (number) return `\x1b[${number[1]};${bits}~`;
  return modifiers.has("m") ? `\x1b${sequence}` : sequence;
}

function control(key: string): string {
  if (key === "?") return "\x7f";
  if (key === " ") return "\0";
  const code = key.toUpperCase().charCodeAt(0);
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code & 0x1f) : key;
}

/** Text as a terminal pastes it; programs that know brackets do not take its lines for commands. */
export const pasted = (text: string, isBracketed: boolean): string =>
  // An end bracket within the text would let the rest pass for typed keys.
  isBracketed ? `\x1b[200~${text.replaceAll("\x1b[201~", "")}\x1b[201~` : text;
