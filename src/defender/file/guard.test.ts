import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { zip } from "../../skills/install/testing.ts";
import { defenderFixture } from "../testing.ts";
import type { Finding } from "../types.ts";
import { fileGuard } from "./guard.ts";

const STATE = "/home/mia/.openclaw";
const ROOT = `${STATE}/workspace`;
const ELF = Buffer.from("7f454c4602010100", "hex");
const guard = fileGuard(STATE);

const inspect = async (
  path: string,
  content: string | Uint8Array = "plain text\n",
  root = ROOT,
): Promise<Finding[]> => {
  const bytes = Buffer.from(content);
  const action = { kind: "file-write", path, root, bytes: bytes.length, content: bytes } as const;
  return guard.inspect(action, { origin: "owner" }, () => {});
};
const ids = async (...args: Parameters<typeof inspect>) => (await inspect(...args)).map(({ id }) => id);
const at = (path: string) => `${ROOT}/${path}`;

function windowsProgram(): Buffer {
  const bytes = Buffer.alloc(200);
  bytes.write("MZ");
  bytes.writeUInt32LE(128, 60);
  bytes.write("PE\0\0", 128);
  return bytes;
}

function tar(entries: readonly { name: string; kind?: string; target?: string; data?: string }[]): Buffer {
  const blocks = entries.flatMap(({ name, kind = "0", target = "", data = "" }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(data.length.toString(8).padStart(11, "0"), 124);
    header.write(kind, 156);
    header.write(target, 157);
    header.write("ustar", 257);
    const body = Buffer.alloc(Math.ceil(data.length / 512) * 512);
    body.write(data);
    return [header, body];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

describe("ordinary files of a workspace are nothing to be asked about", () => {
  test.each([
    ["notes.md", "# Notes"],
    ["src/main.ts", "export {};"],
    ["run.sh", "#!/bin/sh\necho hi\n"],
    ["tool", "#!/usr/bin/env python3\n"],
    [".env", "A=b"],
    [".profile", "web: x"],
    ["lib/jquery.min.js", ""],
    ["backup.tar.gz", gzipSync(tar([{ name: "a/b.txt" }, { name: "a/l", kind: "2", target: "b.txt" }]))],
    ["site.zip", zip([{ name: "a/../b" }].slice(1))],
    ["MZ.txt", "MZ is how it begins, and the text goes on for longer than a header would, so that it is looked at."],
    ["تقرير.md", "arabic name"],
    ["v1.2.3.json", "{}"],
    ["report.pdf", "%PDF-1.7"],
    ["image.png", Buffer.from("89504e470d0a1a0a", "hex")],
  ] as const)("%s", async (path, content) => expect(await inspect(at(path), content)).toEqual([]));
});

describe("content that is not what the name says", () => {
  test.each([
    ["photo.png", ELF, "file.disguised-program"],
    ["readme.txt", windowsProgram(), "file.disguised-program"],
    ["invoice.pdf", Buffer.from("4c0000000114020000000000c0000000000000", "hex"), "file.disguised-program"],
    ["data.json", "#!/bin/sh\nrm -rf ~\n", "file.disguised-script"],
    ["tool", ELF, "file.program"],
  ] as const)("%s: %s", async (path, content, id) => expect(await ids(at(path), content)).toEqual([id]));
});

describe("names that hide what they are", () => {
  test.each([
    ["invoice.pdf.exe", "file.double-extension"],
    ["photo.jpg.sh", "file.double-extension"],
    ["letter.docx .scr", "file.double-extension"],
    ["photo.jpg              .cmd", "file.double-extension"],
    ["photo\u202egnp.exe", "file.turned-name"],
    ["a\u200bb.txt", "file.unseen-in-name"],
    ["a\nb.txt", "file.unseen-in-name"],
  ])("%j: %s", async (path, id) => expect(await ids(at(path))).toContain(id));
});

describe("places where a file decides what happens later", () => {
  test.each([
    ["/home/mia/.bashrc", "file.autostart"],
    ["/home/mia/.ssh/authorized_keys", "file.autostart"],
    ["/home/mia/.ssh/id_ed25519", "file.credentials"],
    ["/home/mia/.config/systemd/user/x.service", "file.autostart"],
    ["/etc/cron.d/x", "file.autostart"],
    ["/var/spool/cron/crontabs/mia", "file.autostart"],
    ["/etc/passwd", "file.accounts"],
    ["/etc/hostname", "file.system"],
    ["/proc/sys/kernel/core_pattern", "file.device"],
    [`${STATE}/openclaw.json`, "file.own-state"],
    [`${STATE}/identity/host.key`, "file.own-state"],
    [`${STATE}/workspace-keys`, "file.own-state"],
    [at(".git/hooks/pre-commit"), "file.run-by-tools"],
    [at(".git/config"), "file.run-by-tools"],
    [at(".vscode/tasks.json"), "file.run-by-tools"],
  ])("%s: %s", async (path, id) => expect(await ids(path)).toEqual([id]));

  test("a home folder as a workspace leaves its profiles and keys what they are", async () => {
    const home = "/home/mia";
    expect(await ids(`${home}/.bashrc`, "", home)).toEqual(["file.autostart"]);
    expect(await ids(`${home}/.ssh/authorized_keys`, "", home)).toEqual(["file.autostart"]);
    expect(await ids(`${STATE}/openclaw.json`, "", home)).toEqual(["file.own-state"]);
    expect(await ids(`${home}/notes.md`, "", home)).toEqual([]);
    expect(await ids("/home/mia/other/notes.md")).toEqual([]);
  });
});

describe("66: archives that lead out of their folder", () => {
  test.each([
    ["a.zip", zip([{ name: "../../.bashrc" }]), ["file.archive-leads-out"]],
    ["a.zip", zip([{ name: "ok" }, { name: "c:\\windows\\x" }]), ["file.archive-leads-out"]],
    ["a.zip", zip([{ name: "link", data: "/etc", mode: 0o120777 }]), ["file.archive-link-out"]],
    ["a.tar", tar([{ name: "/etc/cron.d/x" }]), ["file.archive-leads-out"]],
    [
      "a.tar",
      tar([{ name: "x", kind: "L", data: `${"a/".repeat(90)}../../x` }, { name: "short" }]),
      ["file.archive-leads-out"],
    ],
    ["a.tgz", gzipSync(tar([{ name: "a/l", kind: "2", target: "../../x" }])), ["file.archive-link-out"]],
    ["a.tgz", gzipSync(tar([{ name: "a/l", kind: "1", target: "../x" }])), ["file.archive-link-out"]],
    ["a.txt", zip([{ name: "../x" }]), ["file.archive-leads-out"]],
  ] as const)("%s", async (path, content, expected) => expect(await ids(at(path), content)).toEqual([...expected]));

  test("broken ones are no harm", async () => {
    const whole = [
      zip([{ name: "../x", data: "y".repeat(300) }]),
      gzipSync(tar([{ name: "../x" }])),
      tar([{ name: "a" }]),
    ];
    for (const bytes of whole) {
      for (let cut = 0; cut < bytes.length; cut += 7) await inspect(at("x.bin"), bytes.subarray(0, cut));
      for (let i = 0; i < bytes.length; i += 3) {
        const bent = Buffer.from(bytes);
        bent[i] = 0xff;
        await inspect(at("x.bin"), bent);
      }
    }
  });
});

test("the gateway's own folder is known behind a link too", async () => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "chela-file-")));
  mkdirSync(join(base, "data"));
  symlinkSync("data", join(base, "state"));
  const path = join(base, "data", "openclaw.json");
  const action = { kind: "file-write", path, root: base, bytes: 0 } as const;
  const found = await fileGuard(join(base, "state")).inspect(action, { origin: "owner" }, () => {});
  rmSync(base, { recursive: true });
  expect(found).toMatchObject([{ id: "file.own-state" }]);
});

test("what is blocked is put away by its content: another file of that name stays blocked", async () => {
  const { defender, quarantine } = defenderFixture({ actionGuards: [guard] });
  const write = (content: Buffer) =>
    defender.judge(
      { kind: "file-write", path: at("a.png"), root: ROOT, bytes: content.length, content },
      { origin: "owner" },
    );
  expect((await write(ELF)).verdict).toBe("block");
  const [entry] = await quarantine.list(1);
  await quarantine.release(entry!.id, "mia", 0);
  expect((await write(ELF)).verdict).toBe("allow");
  expect((await write(Buffer.concat([ELF, ELF]))).verdict).toBe("block");
});
