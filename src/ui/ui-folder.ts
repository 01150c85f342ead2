import { openLinkless } from "../platform/linkless-file.ts";
import { mediaType } from "./media-types.ts";

/** A file of the page, ready to be sent. */
export interface UiFile {
  bytes: Buffer;
  type: string;
  /** `br` or `gzip` when a sibling that was compressed beforehand is sent in its place. */
  encoding?: "br" | "gzip";
  modifiedMs: number;
  /** Equal as long as the file is: device, node, size and time. */
  stamp: string;
}

const SIBLINGS = [
  { encoding: "br", ending: ".br" },
  { encoding: "gzip", ending: ".gz" },
] as const;

/**
 * A folder with a web page. Whatever a path says, only regular files below the folder are read, none through a link, a
 * second name or a name that begins with a dot (GHSA-5ghc-98wh-gwwf). The folder itself may be a link.
 */
export class UiFolder {
  /** @param maxBytes of one file; larger ones are not there */
  constructor(
    readonly root: string,
    private readonly maxBytes: number,
  ) {}

  /**
   * The file under a path of names, or null when there is none that may be sent.
   * @param accepted the encodings that the reader takes, as in `Accept-Encoding`
   */
  async file(parts: readonly string[], accepted = ""): Promise<UiFile | null> {
    const name = parts.at(-1);
    const type = name === undefined ? undefined : mediaType(name);
    if (name === undefined || type === undefined || !parts.every(isPlainName)) return null;
    const folder = parts.slice(0, -1);
    for (const { encoding, ending } of SIBLINGS) {
      if (!accepts(accepted, encoding)) continue;
      const sibling = await this.read([...folder, name + ending]);
      if (sibling !== null) return { ...sibling, type, encoding };
    }
    const plain = await this.read(parts);
    return plain && { ...plain, type };
  }

  private async read(parts: readonly string[]): Promise<Omit<UiFile, "type"> | null> {
    const found = await openLinkless(this.root, parts);
    if (typeof found === "string") return null;
    const { handle, facts } = found;
    try {
      if (facts.size > this.maxBytes) return null;
      const stamp = [facts.dev, facts.ino, facts.size, facts.mtimeMs].join("-");
      return { bytes: await handle.readFile(), modifiedMs: facts.mtimeMs, stamp };
    } finally {
      await handle.close();
    }
  }
}

/**
 * The names in the path of an address, decoded one by one so that an encoded separator stays part of a name and is then
 * refused. Null for what cannot be decoded.
 */
export function pathNames(pathname: string): string[] | null {
  try {
    return pathname.split("/").slice(1).map(decodeURIComponent);
  } catch {
    return null;
  }
}

/** A name that means a file or folder right here: no separator of any system, no control character, no hidden file. */
const isPlainName = (name: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  name !== "" && name.length <= 255 && !name.startsWith(".") && !/[/\\:\u0000-\u001f\u007f]/.test(name);

function accepts(header: string, encoding: string): boolean {
  return header.split(",").some((entry) => {
    const [name, ...settings] = entry.split(";").map((part) => part.trim().toLowerCase());
    return name === encoding && !settings.some((setting) => /^q=0(\.0*)?$/.test(setting));
  });
}
