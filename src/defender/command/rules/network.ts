import { isShell } from "../output.ts";
import { CREDENTIALS } from "./paths.ts";
import { has, line, operands, type Rule, rules, values } from "./rule.ts";

const DOWNLOADERS = /^(?:curl|wget|fetch|aria2c|lwp-request|GET|lynx|http|https)$/;
const INTERPRETERS =
  /^(?:sh|bash|dash|zsh|ksh|ash|fish|python[\d.]*|perl|ruby|node|php|bun|deno|lua|osascript|pwsh|tclsh)$/;
const NETCATS = /^(?:nc|ncat|netcat|nc\.(?:openbsd|traditional|exe)|rcat|pwncat|powercat|nc6|rustcat|cryptcat|sbd)$/;
const SENDING =
  /^(?:curl|wget|nc|ncat|netcat|scp|sftp|ftp|rsync|rclone|ssh|socat|telnet|openssl|mail|sendmail|mutt|dig|nslookup|host|tftp|aws|gsutil|http)$/;

/** What comes from or goes to other machines. */
export const NETWORK_RULES: readonly Rule[] = [
  ...rules("Gives somebody on the network a shell on this machine.", {
    "dev-tcp": [
      90,
      (call) =>
        /\/dev\/(?:tcp|udp)\//.test([line(call), ...call.redirects.map(({ target }) => target)].join(" ")) &&
        !/^(?:echo|printf|grep|cat <<)$/.test(call.name),
    ],
    "netcat-shell": [
      90,
      (call) =>
        NETCATS.test(call.name) &&
        (values(call).some(
          (word, at) => /^-[a-z]*[ec]$/i.test(word) && /sh\b|cmd|powershell|\//.test(values(call)[at + 1] ?? ""),
        ) ||
          /--(?:sh-)?exec|-s \/bin/.test(line(call))),
    ],
    "netcat-pipe": [
      88,
      (call) =>
        (NETCATS.test(call.name) ||
          call.name === "telnet" ||
          call.name === "socat" ||
          (call.name === "openssl" && /s_client/.test(line(call))) ||
          (call.name === "curl" && /telnet:/.test(line(call)))) &&
        [...call.before, ...call.after].some(({ name }) => isShell(name)),
    ],
    "netcat-listen": [
      60,
      (call) =>
        NETCATS.test(call.name) &&
        (has(call, "l", "--listen") || operands(call).length >= 2) &&
        !has(call, "z", "--help"),
    ],
    socat: [85, (call) => call.name === "socat" && /exec:|system:|\bpty\b/i.test(line(call))],
    "socat-any": [55, (call) => call.name === "socat" && /tcp|udp|openssl/i.test(line(call))],
    fifo: [
      65,
      (call, { calls }) =>
        call.name === "mkfifo" &&
        calls.some(({ name }) => isShell(name)) &&
        calls.some(({ name }) => SENDING.test(name)),
    ],
    tunnel: [
      60,
      (call) =>
        (call.name === "ssh" && has(call, "RD")) ||
        (call.name === "code" && operands(call)[0] === "tunnel") ||
        /^(?:ngrok|cloudflared|chisel|frpc|bore|localtunnel|lt|iodine|dnscat2?|dnscat\.rb|gost|autossh|tor|proxychains4?)$/.test(
          call.name,
        ),
    ],
    "telnet-shell": [70, (call, { calls }) => call.name === "telnet" && calls.some(({ name }) => isShell(name))],
    zsh: [85, (call) => call.name === "ztcp" || /zsh\/net\/tcp/.test(line(call))],
  }),
  ...rules("Runs what it downloads or decodes, unseen.", {
    "download-run": [
      70,
      (call) =>
        INTERPRETERS.test(call.name) &&
        call.before.some(({ name }) => DOWNLOADERS.test(name)) &&
        !(/^(?:python[\d.]*|node|perl|ruby|php)$/.test(call.name) && has(call, "cmen")),
    ],
    "download-substituted": [
      70,
      (call, { calls }) =>
        (call.name === "eval" || isShell(call.name) || call.name === "") &&
        calls.some((other) => other.isSubstituted && DOWNLOADERS.test(other.name)) &&
        (call.name === "eval" || call.args.some(({ isLiteral }) => !isLiteral) || call.program.startsWith("$(")),
    ],
    "download-mode-run": [
      62,
      (call, { calls }) =>
        call.name === "chmod" &&
        /\+x|7[0-7]{2}|\+rx/.test(line(call)) &&
        calls.some(({ name }) => DOWNLOADERS.test(name)),
    ],
    "download-then-run": [
      58,
      (call, { calls }) =>
        INTERPRETERS.test(call.name) &&
        operands(call).length > 0 &&
        calls.some((other) => DOWNLOADERS.test(other.name) && has(other, "oO", "--output", "--remote-name")),
    ],
    "decode-run": [
      75,
      (call) =>
        INTERPRETERS.test(call.name) &&
        call.before.some(
          (other) =>
            (/^(?:base64|b64decode|xxd|openssl|uudecode|gunzip|base32)$/.test(other.name) &&
              (has(other, "dDr", "--decode") || other.name === "b64decode" || /-d/.test(line(other)))) ||
            (/^(?:tr|rev)$/.test(other.name) && isShell(call.name)),
        ),
    ],
    decode: [
      52,
      (call) =>
        /^(?:base64|b64decode|base32|uudecode|uuencode|b64encode)$/.test(call.name) &&
        (has(call, "dD", "--decode") || /^b64|^uu/.test(call.name)) &&
        (call.after.length > 0 ||
          call.before.some(({ name, args }) => /^(?:echo|printf)$/.test(name) && args.length > 0)),
    ],
    "shared-folder-run": [
      55,
      (call) =>
        /^(?:\/tmp|\/var\/tmp|\/dev\/shm|\/private\/tmp)\/[^ ]+$|^(?:~|\$HOME)\/\.[^/]*\//.test(call.program) &&
        !/\/(?:node_modules|venv|\.venv)\//.test(call.program),
    ],
    "pipe-to-shell": [
      62,
      (call) =>
        isShell(call.name) &&
        call.name !== "source" &&
        call.before.some(({ name }) => !/^(?:echo|printf|cat|yes)$/.test(name)) &&
        call.args.every(({ value }) => value.startsWith("-")) &&
        !has(call, "c"),
    ],
  }),
  ...rules("Sends files or secrets of this machine to another.", {
    "upload-secret": [
      88,
      (call, { calls }) =>
        SENDING.test(call.name) &&
        [call, ...call.before].some((each) => values(each).some((word) => CREDENTIALS.test(word))) &&
        !/^(?:ssh|scp|sftp|rsync|aws|gsutil)$/.test(call.name) &&
        calls.length > 0 &&
        !/127\.0\.0\.1|localhost/.test(line(call)),
    ],
    upload: [
      57,
      (call) =>
        (call.name === "curl" &&
          (values(call).some((word) => /^(?:-T|--upload-file)$/.test(word) || /^-[A-Za-z]*[FT]$/.test(word)) ||
            values(call).some(
              (word, at) =>
                /^(?:-d|--data(?:-binary|-raw|-urlencode)?)$/.test(word) && /^@(?!-)/.test(values(call)[at + 1] ?? ""),
            ))) ||
        (call.name === "wget" && /--post-file|--body-file/.test(line(call))),
    ],
    "data-in-name": [
      65,
      (call) =>
        /^(?:dig|nslookup|host|ping)$/.test(call.name) &&
        call.args.some(({ value, isLiteral }) => !isLiteral && /\$\(|`|\$\{?\w/.test(value)) &&
        /\$/.test(line(call)),
    ],
    "pipe-out": [
      60,
      (call) =>
        /^(?:nc|ncat|netcat|ssh|curl|telnet)$/.test(call.name) &&
        call.before.some(({ name }) => /^(?:cat|tar|gzip|zip|base64|openssl|xxd|dd)$/.test(name)) &&
        !/localhost|127\.0\.0\.1/.test(line(call)) &&
        !(call.name === "curl" && !has(call, "dTF", "--data", "--data-binary", "--upload-file")),
    ],
    transfer: [
      52,
      (call) =>
        /^(?:sftp|ftp|tftp|smbclient|lftp|wput|rcp)$/.test(call.name) &&
        (call.input !== undefined ||
          call.before.length > 0 ||
          (operands(call).length > 0 && /put|<<</.test(line(call)))),
    ],
    scan: [
      58,
      (call) =>
        /^(?:nmap|masscan|zmap|arp-scan|netdiscover|fping|nikto|wpscan|enum4linux|smbmap|crackmapexec|ldapsearch|snmpwalk|rustscan)$/.test(
          call.name,
        ) && operands(call).length > 0,
    ],
    "serve-files": [
      52,
      (call) => /^python/.test(call.name) && /-m (?:http\.server|SimpleHTTPServer|pyftpdlib|smtpd)/.test(line(call)),
    ],
    metadata: [
      70,
      (call) => /169\.254\.169\.254|metadata\.google\.internal|100\.100\.100\.200|metadata\.azure/.test(line(call)),
    ],
  }),
];
