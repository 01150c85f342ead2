import { line, type Rule, rules, values } from "./rule.ts";

const LANGUAGES =
  /^(?:python[\d.]*|pypy\d?|perl|ruby|node|nodejs|bun|deno|php[\d.]*|lua[\d.]*|awk|gawk|mawk|nawk|tclsh|expect|osascript|irb|jshell|groovy|Rscript|swift|go|crystal|ghci|scala|pwsh|powershell|sqlite3|vim?|ex|emacs|gdb|ed|sed|tar|man|less|git|zip|rsync|find|rpm|dpkg|apt-get|mysql|psql|ftp|nmap|java|busybox|julia|elixir|erl|v)$/;
const NETWORK =
  /socket\b|fsockopen|TCPSocket|TCPServer|net\.(?:connect|Socket|Dial)|Net\.Dial|net\.Dial|\/inet\/(?:tcp|udp)|inet_aton|Socket\.tcp|create_connection|socket\.connect|IO::Socket|gen_tcp|stream_socket_client|createServer/i;
const SHELL_CALL =
  /\/bin\/(?:ba|da|z|k)?sh|\bpty\b|child_process|\bexec[lv]?p?e?\b|\bspawn\b|popen|proc_open|passthru|shell_exec|subprocess|os\.system|\bsystem\b|cmd\.exe|Process\.(?:new|run)|callCommand|ProcessBuilder|exec\.Command|\bdup2\b|`[^`]+`/;
const REMOVAL =
  /shutil\.rmtree|os\.(?:remove|unlink|rmdir|truncate)|rm_rf|rm_r\b|remove_entry|FileUtils\.rm|File\.(?:delete|unlink)|rmSync|unlinkSync|fs\.(?:rm|unlink|rmdir|promises\.rm)|rimraf|\bunlink\b|rmtree|\brm\s+-[a-z]*[rf]|Dir\.(?:delete|rmdir|unlink)|pathlib[^;]{0,200}unlink|deleteTree|git\s+(?:reset\s+--hard|clean\s+-[a-z]*f|push\s+(?:-f|--force))/;
const ESCAPES: Readonly<Record<string, RegExp>> = {
  vim: /:!|:py|:lua|:shell|set shell/,
  vi: /:!|:shell/,
  tar: /--checkpoint-action|--to-command|--use-compress-program|-I\s*['"]?\/?\w*sh/,
  git: /core\.(?:pager|fsmonitor|sshCommand|editor)=|--upload-pack|-c\s+alias\.[^\s=]{1,100}=!|protocol\.ext\.allow/,
  zip: /-TT|--unzip-command/,
  rsync: /-e\s+['"]?(?:sh|bash|\/bin)/,
  man: /-P|--pager/,
  sqlite3: /\.(?:shell|system)\b/,
  mysql: /\\!|system\s/,
  psql: /\\!|COPY[^;]{0,400}PROGRAM/i,
  ed: /!/,
  sed: /(?:^|\s)['"]?[0-9$]*e\s|\/e['"]?(?:\s|$)|(?:^|\s)['"]?s[/|#,][^\n]{0,400}[/|#,][a-df-z]{0,4}e[a-z]{0,4}['"]?(?:\s|$)/,
  nmap: /--interactive|--script[= ]\S{0,200}exec/,
  find: /-fprintf?\s+\/etc/,
  gdb: /-ex\s+['"]?!|python/,
};

const text = (call: Parameters<Rule["applies"]>[0]): string => [...values(call), call.input ?? ""].join("\n");
/** An interpreter, or a program whose name only the shell knows. */
const isCode = (name: string): boolean => LANGUAGES.test(name) || name.startsWith("$");

/** Code in other languages, given to their interpreters. */
export const CODE_RULES: readonly Rule[] = [
  ...rules("Runs code that connects a shell with the network.", {
    "code-shell": [88, (call) => isCode(call.name) && NETWORK.test(text(call)) && SHELL_CALL.test(text(call))],
    "code-inet": [85, (call) => /^[gmn]?awk$/.test(call.name) && /\/inet6?\/(?:tcp|udp)\//.test(text(call))],
    "code-exec-network": [
      62,
      (call) =>
        /^(?:python|perl|ruby|node|php|lua)/.test(call.name) &&
        /urllib|requests\.(?:get|post)|http\.get|fetch\(|urlopen|file_get_contents\(['"]http|LWP|Net::HTTP|open-uri/.test(
          text(call),
        ) &&
        (/\b(?:exec|eval)\b/.test(text(call)) || SHELL_CALL.test(text(call))),
    ],
  }),
  ...rules("Runs code that deletes files or starts other programs past what could be judged.", {
    "code-removal": [
      60,
      (call) =>
        /^(?:python|pypy|perl|ruby|node|nodejs|bun|deno|php|lua|awk|gawk|osascript|pwsh|expect|R)/.test(call.name) &&
        REMOVAL.test(text(call)),
    ],
    "code-system": [
      55,
      (call) =>
        /^(?:python|pypy|perl|ruby|node|nodejs|php|lua|awk|gawk|mawk|expect|tclsh)/.test(call.name) &&
        /os\.(?:system|exec|popen|setuid)|child_process|pty\.spawn|subprocess|shell_exec|passthru|\bexec\s*[("'/]|\bsystem\s*[("'/]|popen|os\.execute|posix\.setuid|\bsyscall\b/.test(
          text(call),
        ) &&
        !/system\(["']?(?:date|sort|ls|mv |mkdir|echo|clear|stty)/.test(text(call)),
    ],
    "code-terminal": [
      60,
      (call) => isCode(call.name) && /pty\.spawn|os\.setuid\(0|POSIX::setuid|Process::Sys\.setuid/.test(text(call)),
    ],
    "code-encoded": [
      65,
      (call) =>
        /^(?:python|perl|ruby|node|php|lua)/.test(call.name) &&
        /base64|b64decode|unpack\(|fromCharCode|atob\(|codecs\.decode|zlib|marshal|bytes\.fromhex|chr\(\d+\)/.test(
          text(call),
        ) &&
        /\bexec\b|\beval\b|__import__|Function\(/.test(text(call)),
    ],
    "program-escape": [70, (call) => Object.hasOwn(ESCAPES, call.name) && ESCAPES[call.name]!.test(line(call))],
    "power-escape": [
      60,
      (call) =>
        call.wrappers.includes("sudo") &&
        /^(?:vim?|less|more|man|awk|gawk|find|perl|python[\d.]*|ruby|nmap|ftp|gdb|ed|emacs|tar|zip|env|docker|git)$/.test(
          call.name,
        ) &&
        /-exec|BEGIN|system|\/bin\/sh|-c |!|--interactive|-e /.test(line(call)),
    ],
    compile: [
      55,
      (call, { calls }) =>
        /^(?:gcc|cc|clang|g\+\+|tcc|rustc|go)$/.test(call.name) &&
        calls.some(
          ({ name, wrappers, program }) =>
            wrappers.includes("sudo") || name === "insmod" || /^(?:\.|\/tmp)\//.test(program),
        ) &&
        /\/tmp|-shared|-fPIC|\.so\b/.test(line(call)),
    ],
  }),
];
