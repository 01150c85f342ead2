import { describe, expect, test } from "bun:test";
import { analyse } from "./analysis.ts";
import { commandLine, isShellRunning, saysTheSame, splitWords } from "./words.ts";

describe("words", () => {
  test("are split as a shell does, without expanding anything", () => {
    expect(splitWords(`a  'b c' "d \\"e" f\\ g '' $HOME`)).toEqual(["a", "b c", 'd "e', "f g", "", "$HOME"]);
    expect(splitWords("a 'b")).toBeNull();
    expect(splitWords('a "b')).toBeNull();
  });

  test("operators never equal arguments", () => {
    expect(saysTheSame("ls | wc", ["ls", "|", "wc"])).toBe(false);
    expect(saysTheSame("ls '|' wc", ["ls", "|", "wc"])).toBe(true);
    expect(saysTheSame("ls; rm x", ["ls;", "rm", "x"])).toBe(false);
  });

  test("a command line says just its arguments", () => {
    for (const argv of [["ls"], ["echo", "it's", "a b", "", "$x", "a\nb"], ["sh", "-c", "ls | wc"]]) {
      expect(splitWords(commandLine(argv))).toEqual(argv);
    }
  });

  test("a shell that runs the text", () => {
    expect(isShellRunning("ls", ["/bin/sh", "-c", "ls"])).toBe(true);
    expect(isShellRunning("ls", ["bash", "-lc", "ls"])).toBe(true);
    for (const argv of [
      ["sh", "ls"],
      ["sh", "-c", "ls", "x"],
      ["node", "-c", "ls"],
      ["sh", "-c", "rm"],
    ]) {
      expect(isShellRunning("ls", argv)).toBe(false);
    }
  });
});

describe("the analysis of a command", () => {
  // Counts, kinds and words measured on 2026.9.6.
  const cases: [text: string, count: number, nested: number, kinds: string[]][] = [
    ["ls -la", 1, 0, []],
    ["sudo rm -rf / && curl http://x | sh; python3 -c 'print(1)'", 4, 0, ["command-carrier", "inline-eval"]],
    ["sh -c 'ls; pwd'", 1, 2, ["shell-wrapper"]],
    ["eval ls", 1, 0, ["eval"]],
    [". x.sh", 1, 0, ["source"]],
    ["FOO=1 ls", 1, 0, []],
    ["xargs rm", 1, 0, ["inline-eval", "command-carrier"]],
    ["find . -exec rm {} \\;", 1, 0, ["inline-eval", "command-carrier"]],
    ["awk '{print}' f", 1, 0, ["inline-eval"]],
    ["cat <<EOF\nrm x; ls\nEOF", 1, 0, ["heredoc"]],
    ["ls &", 1, 0, []],
    ["(ls; pwd)", 2, 0, []],
    ["doas ls", 1, 0, ["command-carrier"]],
    ["ls > out.txt", 1, 0, ["redirect"]],
    ["echo 'unterminated", 1, 0, ["syntax-error"]],
    ["node x.js", 1, 0, []],
    ["bun -e 1", 1, 0, ["inline-eval"]],
    ["sudo sh -c ls", 1, 0, ["command-carrier", "shell-wrapper-through-carrier"]],
    ["ls | grep x | wc -l", 3, 0, []],
    ['echo "a && b"', 1, 0, []],
    ["env -S 'ls'", 1, 0, ["command-carrier"]],
    ["alias x=ls", 1, 0, ["alias"]],
  ];
  for (const [text, commandCount, nestedCommandCount, riskKinds] of cases) {
    test(text, () => expect(analyse(text)).toMatchObject({ commandCount, nestedCommandCount, riskKinds }));
  }

  test("substitutions hide commands, also within quotes and each other", () => {
    expect(analyse("echo $(id)")).toMatchObject({ commandCount: 1, nestedCommandCount: 1 });
    expect(analyse('echo "$(id; ls)"')).toMatchObject({ commandCount: 1, nestedCommandCount: 2 });
    expect(analyse("echo `id`").riskKinds).toContain("command-substitution");
    expect(analyse("diff <(ls) <(pwd)")).toMatchObject({ commandCount: 1, nestedCommandCount: 2 });
    expect(analyse("echo $(sudo $(id))").riskKinds).toEqual(expect.arrayContaining(["command-carrier"]));
    expect(analyse("echo '$(id)'")).toMatchObject({ nestedCommandCount: 0, riskKinds: [] });
  });

  test("says what it found", () => {
    expect(analyse("sudo ls; python3 -c x").warningLines).toEqual([
      "Contains command-carrier: sudo",
      "Contains inline-eval: python3 -c",
    ]);
  });

  test("takes time in proportion to the text", () => {
    for (const text of ["$(".repeat(5000), "(".repeat(8000), "`".repeat(8001), "<(".repeat(5000), '"$('.repeat(5000)]) {
      expect(analyse(text).riskKinds.length).toBeLessThan(20);
    }
  });
});
