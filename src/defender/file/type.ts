/** What a file is by its first bytes. `other` is anything that is not told by them, text too. */
export type FileType =
  | "program"
  | "script"
  | "shortcut"
  | "package"
  | "zip"
  | "tar"
  | "gzip"
  | "packed"
  | "picture"
  | "document"
  | "other";

const MAGIC: readonly (readonly [FileType, hex: string])[] = [
  ["program", "7f454c46"], // ELF
  ["program", "feedface"],
  ["program", "feedfacf"],
  ["program", "cefaedfe"],
  ["program", "cffaedfe"],
  ["program", "cafebabe"], // Mach-O for several processors, and Java classes
  ["program", "6465780a"], // Android
  ["shortcut", "4c0000000114020000000000c0000000"],
  ["package", "213c617263683e0a"], // deb
  ["package", "edabeedb"], // rpm
  ["zip", "504b0304"],
  ["zip", "504b0506"],
  ["gzip", "1f8b08"],
  ["packed", "425a68"],
  ["packed", "fd377a585a00"],
  ["packed", "377abcaf271c"],
  ["packed", "526172211a07"],
  ["packed", "28b52ffd"],
  ["picture", "89504e470d0a1a0a"],
  ["picture", "ffd8ff"],
  ["picture", "474946383761"],
  ["picture", "474946383961"],
  ["document", "255044462d"],
  ["document", "d0cf11e0a1b11ae1"],
];

const LONGEST = 16;

/** Tells what a file is without a look at its name. */
export function typeOf(content: Uint8Array): FileType {
  const head = Buffer.from(content.buffer, content.byteOffset, Math.min(content.length, LONGEST)).toString("hex");
  const [type] = MAGIC.find(([, magic]) => head.startsWith(magic)) ?? [];
  if (type !== undefined) return type;
  if (isWindowsProgram(content)) return "program";
  if (/^(?:efbbbf)?2321/.test(head)) return "script";
  return content.length > 262 && Buffer.from(content.subarray(257, 262)).toString("latin1") === "ustar"
    ? "tar"
    : "other";
}

/** `MZ`, and what the old header points to; a text may begin with these two letters. */
function isWindowsProgram(content: Uint8Array): boolean {
  if (content[0] !== 0x4d || content[1] !== 0x5a || content.length < 64) return false;
  const at = new DataView(content.buffer, content.byteOffset).getUint32(60, true);
  return at + 4 <= content.length && content[at] === 0x50 && content[at + 1] === 0x45 && content[at + 2] === 0;
}
