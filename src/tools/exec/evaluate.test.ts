import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AllowEntry } from "./allow-list.ts";
import { type Evaluation, evaluate, type Question } from "./evaluate.ts";

const PATH = "/usr/bin:/bin";
const SETTINGS: Question["settings"] = { safeBinProfiles: {}, safeBinTrustedDirs: [] };

const ask = (command: string, names: readonly string[] = [], more: Partial<Question> = {}): Promise<Evaluation> => {
  const entries = names.map((pattern): AllowEntry => ({ pattern }));
  return evaluate({ command, cwd: "/", variables: {}, path: PATH, writable: [], entries, settings: SETTINGS, ...more });
};
const allowed = async (...args: Parameters<typeof ask>): Promise<boolean> => (await ask(...args)).isAllowed;

describe("what is allowed", () => {
  test.each<[string, string[]]>([
    ["ls -la /", ["ls"]],
    ["ls *.ts $HOME ~/x", ["ls"]],
    ["ls | cat && pwd; date &", ["ls", "cat", "pwd", "date"]],
    ["(ls; { pwd; })", ["ls", "pwd"]],
    ["! ls >/dev/null 2>&1", ["ls"]],
    ["echo $(date) `date`", ["echo", "date"]],
    ["cd /tmp && ls && cd sub && ls", ["ls"]],
    ["env LANG=C ls", ["ls"]],
    ["nohup nice -n 5 timeout -k 1 10 ls", ["ls"]],
    ["sh -c 'ls | cat'", ["ls", "cat"]],
    ["bash -ec \"env TZ=UTC sh -c 'ls'\"", ["ls"]],
    ["find . -name '*.ts' -exec ls -l {} +", ["find", "ls"]],
    ["cat /etc/hosts | xargs -n1 ls", ["cat", "xargs", "ls"]],
    ["LC_ALL=C ls", ["ls"]],
    ["/bin/ls", ["/usr/bin/ls"]],
    ["/usr/bin/ls", ["/usr/bin/*"]],
    ["ls", ["/**/ls"]],
    ["echo 'a && b'", ["echo"]],
  ])("%s", async (command, names) => expect(await ask(command, names)).toMatchObject({ isAllowed: true }));

  test("needs every part to be allowed", async () => {
    for (const [command, names] of [
      ["ls | cat", ["ls"]],
      ["ls && rm x", ["ls"]],
      ["ls; rm x", ["ls"]],
      ["ls & rm x", ["ls"]],
      ["ls || rm x", ["ls"]],
      ["ls\nrm x", ["ls"]],
      ["(rm x)", ["ls"]],
      ["ls $(rm x)", ["ls"]],
      ["sh -c 'ls; rm x'", ["ls"]],
      ["find . -exec rm {} ;", ["find"]],
      ["find . -exec rm {} \\;", ["find"]],
      ["find . -exec ls {} \\;", ["ls"]],
      ["ls | xargs rm", ["ls", "xargs"]],
      ["ls | xargs ls", ["ls"]],
    ] as const) {
      expect([command, await allowed(command, [...names])]).toEqual([command, false]);
    }
  });

  test("a bare name means the search path alone", async () => {
    expect(await allowed("/usr/bin/ls", ["ls"])).toBe(false);
    expect(await allowed("./ls", ["ls"], { cwd: "/usr/bin" })).toBe(false);
    expect(await allowed("ls", ["l*"])).toBe(true);
    expect(await allowed("no-such-program", ["*"])).toBe(false);
    expect(await allowed("ls", ["ls"], { path: ".:/usr/bin" })).toBe(false);
  });

  test("arguments are compared as the program gets them", async () => {
    const entries = [{ pattern: "cat", argPattern: "^/etc/(hosts|hostname)$" }];
    expect(await allowed("cat '/etc/'hosts", [], { entries })).toBe(true);
    for (const command of ["cat /etc/passwd", "cat /etc/hosts /etc/passwd", "cat /etc/host*", "cat $F", "cat"]) {
      expect(await allowed(command, [], { entries })).toBe(false);
    }
    expect(await allowed("cat /etc/hosts", [], { entries: [{ pattern: "cat", argPattern: "(" }] })).toBe(false);
  });

  test("what runs is the file that was looked at, wherever its name stands", async () => {
    const names = ["ls", "cat", "xargs"];
    const pinned = async (command: string) => (await ask(command, names)).pinned;
    expect(await pinned("ls | cat -n")).toBe("/usr/bin/ls | /usr/bin/cat -n");
    expect(await pinned(`cat "$(ls 'a b')"`)).toBe(`/usr/bin/cat "$(/usr/bin/ls 'a b')"`);
    expect(await pinned("sh -c 'ls | cat'")).toBe("/usr/bin/sh -c '/usr/bin/ls | /usr/bin/cat'");
    expect(await pinned(`env LANG=C sh -c "nice sh -c 'ls'"`)).toBe(
      `/usr/bin/env LANG=C /usr/bin/sh -c '/usr/bin/nice /usr/bin/sh -c /usr/bin/ls'`,
    );
    expect(await pinned("cat x | xargs -n 1 ls")).toBe("/usr/bin/cat x | /usr/bin/xargs -n 1 /usr/bin/ls");
  });
});

describe("78: shell syntax does not get through the list", () => {
  test.each([
    'echo "$(id)"',
    "echo `id`",
    "echo a\\\nb",
    "ec\\\nho a",
    "echo a\nid",
    "echo a\r\nid",
    "cat <<EOF\n$(id)\nEOF",
    "cat <<'EOF'\nx\nEOF",
    "cat <<< $(id)",
    "echo a > f",
    "echo a >> ~/.bashrc",
    "cat < /etc/shadow",
    "echo ${x:-$(id)}",
    "echo ${x@P}",
    "echo ${!x}",
    "echo ${a[$(id)]}",
    "echo $((a[$(id)]))",
    "echo $[1+1]",
    "echo <(echo)",
    "echo <(echo)# >f",
    "echo $(echo)# >f",
    "echo `echo`# >f",
    "echo $'\\x41'",
    'echo $"x"',
    "echo {a,b}",
    "echo @(a|b)",
    "f() { id; }; f",
    "function echo { id; }; echo",
    "alias echo=id; echo",
    "eval id",
    "source f",
    ". f",
    "exec id",
    "command id",
    "builtin eval id",
    "trap id EXIT",
    "export PATH=/tmp; echo",
    "PATH=/tmp:$PATH echo",
    "x=1",
    "a=(1 2); echo",
    "echo a=$(id)",
    "if echo; then echo; fi",
    "for i in a; do echo; done",
    "while echo; do echo; done",
    "case a in a) echo;; esac",
    "coproc echo",
    "[[ -v a[$(id)] ]]",
    "((a=1))",
    "let a=1",
    "$X a",
    "'e'$X a",
    "ech? a",
    "echo 'unterminated",
    "echo a |",
    "echo a;;",
    "echo \u0001",
    "echo a & calc",
    "cd /tmp; echo",
    "cd /tmp || echo",
    "cd ~ && echo",
    "cd - && echo",
    "cd $X && echo",
    "",
    "# comment",
    "$(echo id)",
    ">/dev/null",
    "echo {fd}>/dev/null",
    "exec 3<>/dev/tcp/1.2.3.4/80",
  ])("%s", async (command) => {
    expect(await allowed(command, ["echo", "cat"])).toBe(false);
  });

  test("a text of any depth is answered", async () => {
    for (const text of ["$(".repeat(3000), "(".repeat(3000), "echo ".repeat(5000), `sh -c "${"'".repeat(2001)}"`]) {
      expect(typeof (await allowed(text, ["echo"]))).toBe("boolean");
    }
    expect(await allowed(`${"echo a; ".repeat(300)}echo`, ["echo"])).toBe(false);
  });
});

describe("79: wrappers do not hide what they run", () => {
  test.each([
    "env rm x",
    "env -S 'rm x'",
    "env -iS 'rm x'",
    "env --split-string='rm x'",
    "env PATH=/tmp ls",
    "env LD_PRELOAD=/tmp/x.so ls",
    "env $X",
    "env -C /tmp ls",
    "env",
    "nohup rm x",
    "nice -10 rm x",
    "timeout 5 rm x",
    "timeout $T ls",
    "time -o f ls",
    "/usr/bin/time -o f ls",
    "stdbuf -oL rm x",
    "flock /tmp/l rm x",
    "flock /tmp/l -c 'rm x'",
    "sudo ls",
    "sudo rm x",
    "sudo -s",
    "busybox sh -c 'rm x'",
    "busybox rm x",
    "script -c 'rm x' /dev/null",
    "unknown-interpreter -c 'rm x'",
    "pwsh -enc AAAA",
    "bash -lc ls",
    "bash -ic ls",
    "bash --rcfile f -c ls",
    "bash -c ls x y",
    'bash -c "$X"',
    "zsh -c ls",
    "fish -c ls",
    "sh f.sh",
    "sh <(ls)",
    "ls | sh",
    "sh -c 'sh -c \"rm x\"'",
    "ls | xargs env",
    "ls | xargs nice",
    "ls | xargs sh -c",
    "ls | xargs -I ls ls",
    "ls | xargs -I{} sh -c 'ls {}'",
    "ls | xargs find",
    "find . -exec sh -c 'ls {}' \\;",
    "find . -exec {} \\;",
    "find . -exec env {} +",
    "find $X",
  ])("%s", async (command) => {
    expect(await allowed(command, ["ls", "cat", "xargs", "find"])).toBe(false);
  });

  test("a chain that is too deep is a miss", async () => {
    expect(await allowed(`${"nice ".repeat(6)}ls`, ["ls"])).toBe(true);
    expect(await allowed(`${"nice ".repeat(12)}ls`, ["ls"])).toBe(false);
  });

  test("an entry for the wrapper allows no other payload", async () => {
    for (const name of ["env", "nice", "timeout", "nohup"]) {
      expect(await allowed(`${name} 5 rm x`, [name])).toBe(false);
    }
    expect(await allowed("sh -c 'rm x'", ["sh"])).toBe(false);
  });
});

describe("81: filters are safe only as far as their words say so", () => {
  const opted = { settings: { ...SETTINGS, safeBins: ["sort", "grep", "jq", "sed", "python3", "head"] } };

  test.each([
    "head",
    "head -n 5",
    "head -5",
    "tail -n1",
    "wc -l",
    "tr -d ab",
    "tr a-z A-Z",
    "uniq -c",
    "cut -d, -f1",
    "cut -f 2",
    "wc -l | head -c5 && tr a b",
  ])("%s is", async (command) => expect(await ask(command)).toMatchObject({ isAllowed: true }));

  test.each([
    "head *",
    "head f",
    "head /etc/passwd",
    "head -- f",
    "head -n",
    "head -n$N",
    "tail -f",
    "tail --follow",
    "wc --files0-from=f",
    "wc --files0-fro=f",
    "tr a b c",
    "tr",
    "cut --outp=x",
    "uniq a b",
    "/usr/bin/head",
    "./head",
    "LD_PRELOAD=x head",
    "FOO=1 head",
    "head <f",
    "sort",
    "grep -e x",
  ])("%s is not", async (command) => expect(await allowed(command)).toBe(false));

  test.each(["sort -rn", "sort -k2 -t,", "grep -e x", "grep -ie x"])("%s is when it is named", async (command) =>
    expect(await allowed(command, [], opted)).toBe(true),
  );

  test.each([
    "sort --compress-program=sh",
    "sort --compress-pr=sh",
    "sort -o f",
    "sort -T /tmp",
    "sort f",
    "grep x",
    "grep -r -e x",
    "grep -f f",
    "grep -e x f",
    "jq .",
    "sed p",
    "python3",
    "wc -l",
  ])("%s is not when others are named", async (command) => expect(await allowed(command, [], opted)).toBe(false));

  test("one of another folder is another program", async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "chela-bins-")));
    writeFileSync(join(folder, "head"), "#!/bin/sh\n");
    chmodSync(join(folder, "head"), 0o755);
    const path = `${folder}:${PATH}`;
    expect(await allowed("head", [], { path })).toBe(false);
    expect(await allowed("head", [], { path, settings: { ...SETTINGS, safeBinTrustedDirs: [folder] } })).toBe(true);
    expect(await allowed("env head", [], { path })).toBe(false);
    rmSync(folder, { recursive: true });
  });

  test("profiles of the configuration name what is allowed; the rest is not", async () => {
    const myfilter = { maxPositional: 0, allowedValueFlags: ["-n"], deniedFlags: ["-f"] };
    const settings = { ...SETTINGS, safeBins: ["cat"], safeBinProfiles: { cat: myfilter } };
    expect(await allowed("cat -n 5", [], { settings })).toBe(true);
    for (const command of ["cat f", "cat -f", "cat -A", "cat"]) {
      expect([command, await allowed(command, [], { settings })]).toEqual([command, command === "cat"]);
    }
  });
});

describe("what an approval for all times leaves", () => {
  test("is the exact call in its folder, for every part that was not allowed", async () => {
    const { lasting } = await ask("ls -la | cat", ["ls"]);
    expect(lasting).toMatchObject([{ pattern: "/usr/bin/cat", source: "allow-always" }]);
    const entries = (await ask("uname -a && date +%s", [])).lasting!;
    expect(entries).toHaveLength(2);
    expect(await allowed("uname '-a' && date +%s", [], { entries })).toBe(true);
    expect(await allowed("uname -r", [], { entries })).toBe(false);
    expect(await allowed("uname -a", [], { entries, cwd: "/tmp" })).toBe(false);
    expect(await allowed("uname -a x", [], { entries })).toBe(false);
  });

  test("79, 80: is what the wrapper ran, not the wrapper", async () => {
    const entries = (await ask("env TZ=UTC timeout 5 sh -c 'uname -a'")).lasting!;
    expect(entries.map(({ pattern }) => pattern)).toEqual(["/usr/bin/uname"]);
    expect(await allowed("timeout 9 uname -a", [], { entries })).toBe(true);
    expect(await allowed("env rm x", [], { entries })).toBe(false);
    expect(await allowed("uname -a # rm x", [], { entries })).toBe(true);
    expect(await allowed("uname -a; rm x", [], { entries })).toBe(false);
  });

  test("75: is nothing for what may be something else tomorrow", async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "chela-work-")));
    writeFileSync(join(folder, "tool"), "#!/bin/sh\n");
    chmodSync(join(folder, "tool"), 0o755);
    const more = { cwd: folder, writable: [folder] };
    for (const command of [
      "./tool",
      "sh ./s.sh",
      "python3 x.py",
      "make all",
      "ls *",
      "ls $X",
      "FOO=1 ls",
      "ls | xargs rm",
      "echo a > f",
      "for i in a; do ls; done",
    ]) {
      expect([command, (await ask(command, [], more)).lasting]).toEqual([command, null]);
    }
    expect((await ask("ls", [], { variables: { FOO: "1" } })).lasting).toBeNull();
    rmSync(folder, { recursive: true });
  });

  test("75: a program or script that changes is told by its binding", async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "chela-work-")));
    mkdirSync(join(folder, "bin"));
    const script = join(folder, "s.sh");
    writeFileSync(script, "echo 1\n");
    const more = { cwd: folder, path: `${join(folder, "bin")}:${PATH}` };
    const binding = async (command: string) => (await ask(command, [], more)).binding;
    const before = await binding("sh ./s.sh");
    expect(await binding("sh ./s.sh")).toBe(before);
    writeFileSync(script, "rm x\n");
    expect(await binding("sh ./s.sh")).not.toBe(before);
    const tr = await binding("tr a b");
    symlinkSync("/usr/bin/wc", join(folder, "bin", "tr"));
    expect(await binding("tr a b")).not.toBe(tr);
    rmSync(folder, { recursive: true });
  });
});
