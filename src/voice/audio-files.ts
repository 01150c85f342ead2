import { mkdir, readdir, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { uuid } from "../platform/ids.ts";

/** Clips that were asked for as a file. Only their owner may read them, and the oldest go when there are too many. */
export class AudioFiles {
  private readonly folder: string;

  /** @param maxFiles how many are kept */
  constructor(
    stateDir: string,
    private readonly maxFiles: number,
  ) {
    this.folder = join(stateDir, "media", "speech");
  }

  /** @returns the absolute path */
  async keep(audio: Uint8Array, fileExtension: string): Promise<string> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const path = join(this.folder, `${uuid()}${fileExtension}`);
    await writeFile(path, audio, { mode: 0o600, flag: "wx" });
    await this.forgetOld();
    return path;
  }

  private async forgetOld(): Promise<void> {
    const names = await readdir(this.folder);
    if (names.length <= this.maxFiles) return;
    const dated = await Promise.all(
      names.map(async (name) => ({ name, at: (await stat(join(this.folder, name)).catch(() => null))?.mtimeMs ?? 0 })),
    );
    const old = dated.sort((a, b) => b.at - a.at).slice(this.maxFiles);
    await Promise.all(old.map(({ name }) => unlink(join(this.folder, name)).catch(() => {})));
  }
}
