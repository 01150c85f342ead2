import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { placeSkill, skillFiles } from "./folder.ts";
import { zip } from "./testing.ts";
import { ArchiveRefused, readZip } from "./zip.ts";

const LIMITS = { entries: 50, bytes: 1_000_000, fileBytes: 500_000, ratio: 100, depth: 6 };
const SKILL = "---\nname: hello\ndescription: Says hello.\n---\n";
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const refusal = (archive: Buffer): string => {
  try {
    return `unpacked ${readZip(archive, LIMITS).length} files`;
  } catch (error) {
    expect(error).toBeInstanceOf(ArchiveRefused);
    return (error as Error).message;
  }
};

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "chela-skills-"));
  folders.push(made);
  return made;
}

describe("66: an archive", () => {
  test("66: with names that lead out of its folder is refused as a whole", () => {
    const names = [
      "../evil",
      "a/../../evil",
      "/etc/evil",
      "a\\..\\evil",
      "C:evil",
      "a//b",
      "./a",
      "a\u0000b",
      "..",
      "",
    ];
    for (const name of names) {
      expect(`${name}: ${refusal(zip([{ name: "SKILL.md", data: SKILL }, { name }]))}`).toBe(
        `${name}: the archive holds a name that leads out of its folder`,
      );
    }
  });

  test("66: with links and devices is refused", () => {
    expect(refusal(zip([{ name: "link", data: "/etc/passwd", mode: 0o120777 }]))).toBe("the archive holds a link");
    expect(refusal(zip([{ name: "pipe", mode: 0o010644 }]))).toBe("the archive holds a special file");
  });

  test("66: that unpacks to more than it says, or to too much, is refused while it is unpacked", () => {
    const zeros = Buffer.alloc(2_000_000);
    expect(refusal(zip([{ name: "bomb", data: zeros, says: 10 }]))).toBe("the archive unpacks to more than is allowed");
    const many = Array.from({ length: 5 }, (_, index) => ({ name: `bomb${index}`, data: Buffer.alloc(400_000) }));
    expect(refusal(zip(many))).toBe("the archive unpacks to more than is allowed");
  });

  test("66: with too many entries is refused before one is read", () => {
    expect(refusal(zip([], { count: 60_000 }))).toBe("the archive has more than 50 entries");
  });

  test("66: with two names that are one file is refused", () => {
    expect(refusal(zip([{ name: "SKILL.md" }, { name: "skill.MD" }]))).toBe("the archive holds two files of one name");
  });

  test("66: with a file where a folder of it must be is refused before anything is written", () => {
    for (const entries of [
      [{ name: "a" }, { name: "A/b/c" }],
      [{ name: "x/y/z" }, { name: "x/Y" }],
    ]) {
      expect(refusal(zip(entries))).toBe("the archive holds a file and a folder of one name");
    }
    expect(refusal(zip([{ name: "a" }, { name: "ab/c" }, { name: "ab/d" }]))).toBe("unpacked 3 files");
  });

  test("66: that is broken, encrypted or no archive is refused", () => {
    const good = zip([{ name: "SKILL.md", data: SKILL }]);
    expect(refusal(Buffer.from("hello"))).toBe("the archive is not a zip file");
    expect(refusal(zip([{ name: "a", flags: 1 }]))).toBe("the archive is encrypted");
    expect(refusal(zip([{ name: "a" }], { count: 5 }))).toBe("the archive is broken");
    expect(refusal(good.subarray(20))).toContain("the archive");
    for (let at = 0; at < good.length; at += 3) {
      const bent = Buffer.from(good);
      bent[at] = (bent[at]! + 127) & 255;
      expect(refusal(bent)).toMatch(/^(the archive|unpacked)/);
    }
  });
});

describe("66: a skill", () => {
  const files = () =>
    skillFiles(
      readZip(
        zip([
          { name: "top/SKILL.md", data: SKILL },
          { name: "top/a/b.txt", data: "b" },
        ]),
        LIMITS,
      ),
    );

  test("66: is put into its folder for its owner alone, whatever folder the archive has", async () => {
    const root = folder();
    const target = await placeSkill(root, "hello", files(), false);
    expect(readFileSync(join(target, "a", "b.txt"), "utf8")).toBe("b");
    expect(statSync(join(target, "SKILL.md")).mode & 0o777).toBe(0o600);
    expect(readdirSync(root)).toEqual(["hello"]);
  });

  test("66: is replaced only when that was asked for, and then as a whole", async () => {
    const root = folder();
    await placeSkill(root, "hello", [...files(), { path: "old.txt", data: Buffer.from("x") }], false);
    await expect(placeSkill(root, "hello", files(), false)).rejects.toThrow("Skill already exists");
    const target = await placeSkill(root, "hello", files(), true);
    expect(existsSync(join(target, "old.txt"))).toBe(false);
    expect(readdirSync(root)).toEqual(["hello"]);
  });

  test("66: does not go through a link that stands where its folder would", async () => {
    const root = folder();
    const elsewhere = folder();
    mkdirSync(join(root, "skills"));
    symlinkSync(elsewhere, join(root, "skills", "hello"));
    await expect(placeSkill(join(root, "skills"), "hello", files(), true)).rejects.toThrow("not a folder");
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test("66: does not go through a link in the place of the folder of all skills", async () => {
    const root = folder();
    const elsewhere = folder();
    for (const target of [elsewhere, join(elsewhere, "nothing")]) {
      symlinkSync(target, join(root, "skills"));
      await expect(placeSkill(join(root, "skills"), "hello", files(), true)).rejects.toThrow("is a link");
      rmSync(join(root, "skills"));
    }
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test("66: has a plain name", async () => {
    for (const slug of ["../x", "a/b", ".", "", "A", "a".repeat(70)]) {
      await expect(placeSkill(folder(), slug, files(), false)).rejects.toThrow("Invalid skill slug");
    }
  });
});
