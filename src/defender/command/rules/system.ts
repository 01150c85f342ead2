import { ACCOUNTS, AUTOSTART, CREDENTIALS, LOGS } from "./paths.ts";
import { has, line, operands, type Rule, rules, targets, values } from "./rule.ts";

const touches = (pattern: RegExp, call: Parameters<Rule["applies"]>[0]): boolean =>
  targets(call).some((path) => pattern.test(path));
const READERS =
  /^(?:cat|less|more|head|tail|cp|scp|rsync|tar|zip|7z|grep|egrep|fgrep|rg|awk|gawk|sed|xxd|od|base64|strings|curl|wget|nc|ncat|vi|vim|nano|cut|sort|tac|nl|dd|mv|python3?|perl|sqlite3|openssl|gpg|tee|find|ls|unshadow|john|xargs|rev|diff|source|\.)$/;

/** Persistence, accounts, defences, traces and credentials of the machine. */
export const SYSTEM_RULES: readonly Rule[] = [
  ...rules("Makes something start by itself later, or in other people's shells.", {
    "autostart-write": [70, (call) => touches(AUTOSTART, call) && !/^(?:chmod|chown|vi|vim|nano)$/.test(call.name)],
    crontab: [
      60,
      (call) =>
        call.name === "crontab" &&
        !has(call, "l") &&
        !has(call, "V", "--version", "--help") &&
        (operands(call).length > 0 ||
          call.before.length > 0 ||
          has(call, "r") ||
          call.args.length > 0 ||
          call.input !== undefined ||
          call.redirects.length > 0),
    ],
    at: [
      55,
      (call) =>
        /^(?:at|batch)$/.test(call.name) && (call.before.length > 0 || call.input !== undefined || has(call, "f")),
    ],
    "service-enable": [
      55,
      (call) =>
        call.name === "systemctl" &&
        /\b(?:enable|link|edit|mask|preset)\b/.test(line(call)) &&
        !/\benabled\b/.test(line(call)),
    ],
    "systemd-run": [60, (call) => call.name === "systemd-run"],
    launchctl: [
      60,
      (call) => call.name === "launchctl" && /\b(?:load|bootstrap|submit|setenv|unload|start)\b/.test(line(call)),
    ],
    "login-hook": [
      70,
      (call) =>
        call.name === "defaults" &&
        /\bwrite\b/.test(line(call)) &&
        /Hook|loginwindow|Quarantine|LaunchServices|TCC|alf\b|Gatekeeper/i.test(line(call)),
    ],
    module: [
      70,
      (call) =>
        /^(?:insmod|modprobe|kextload|kldload|rmmod|kextunload|kldunload)$/.test(call.name) &&
        operands(call).length > 0 &&
        !has(call, "n", "--show-depends", "--dry-run"),
    ],
    preload: [
      75,
      (call) =>
        call.variables.some(({ name }) =>
          /^(?:LD_PRELOAD|LD_LIBRARY_PATH|LD_AUDIT|DYLD_INSERT_LIBRARIES|BASH_ENV|BUN_BE_BUN|PROMPT_COMMAND|NODE_OPTIONS|PERL5OPT|PYTHONSTARTUP)$/.test(
            name,
          ),
        ) ||
        (/^(?:export|declare|setenv|typeset)$/.test(call.name) &&
          /\b(?:LD_PRELOAD|DYLD_INSERT_LIBRARIES|BASH_ENV|LD_AUDIT|PROMPT_COMMAND)=/.test(line(call))),
    ],
    trap: [
      52,
      (call) => call.name === "trap" && call.args.length > 1 && /curl|wget|nc|sh\b/.test(values(call)[0] ?? ""),
    ],
  }),
  ...rules("Changes accounts, passwords or rights of the machine.", {
    "copied-shell": [
      58,
      (call) =>
        /^(?:cp|ln|install|mv)$/.test(call.name) &&
        operands(call)
          .slice(0, -1)
          .some((path) => /^(?:\/usr)?\/bin\/(?:ba|z|da|k)?sh$|\$\(which (?:ba|z)?sh\)/.test(path)),
    ],
    account: [
      65,
      (call) =>
        /^(?:useradd|adduser|usermod|userdel|deluser|groupadd|groupmod|groupdel|addgroup|passwd|chpasswd|chage|vipw|visudo|gpasswd|newusers|dscl|sysadminctl|dseditgroup|pwpolicy|realm|samba-tool)$/.test(
          call.name,
        ) &&
        (call.args.length > 0 || call.before.length > 0) &&
        !has(call, "", "--help", "--version", "-S", "--status", "-l") &&
        !/\b(?:-?read|-?list|-?search|getaccountpolicies)\b/.test(line(call)),
    ],
    pw: [
      65,
      (call) =>
        call.name === "pw" &&
        /\b(?:user|group)\s?(?:add|mod|del)|(?:user|group)(?:add|mod|del)|\b(?:lock|unlock)\b/.test(line(call)),
    ],
    "accounts-write": [75, (call) => touches(ACCOUNTS, call)],
    "sudo-shell": [
      60,
      (call) =>
        (call.wrappers.includes("sudo") && /^(?:su|bash|sh|zsh|visudo)$/.test(call.name) && !has(call, "c")) ||
        (call.name === "sudo" && has(call, "isS")),
    ],
    "sudo-cache": [55, (call) => /timestamp_timeout|!tty_tickets|NOPASSWD/.test(line(call))],
    su: [52, (call) => call.name === "su" && call.args.length > 0 && !has(call, "", "--help")],
    pam: [
      65,
      (call) =>
        /pam_|\/etc\/pam/.test(line(call)) &&
        /^(?:sed|echo|cp|ssh|mv|gcc|make|tee|cat)$/.test(call.name) &&
        !/^cat /.test(line(call)),
    ],
  }),
  ...rules("Turns off what protects or observes the machine, or removes its traces.", {
    "logs-write": [
      70,
      (call) =>
        touches(LOGS, call) ||
        (/^(?:rm|unlink|shred|srm|journalctl|truncate|wevtutil|log|ln)$/.test(call.name) &&
          (operands(call).some((path) => LOGS.test(path)) || /--vacuum|--rotate|\berase\b/.test(line(call)))),
    ],
    history: [
      65,
      (call) =>
        (call.name === "history" && has(call, "cdw")) ||
        (call.name === "fc" && has(call, "p")) ||
        (/^(?:unset|export|declare|set|shopt|setopt|unsetopt|)$/.test(call.name) &&
          (/\bHIST(?:FILE|SIZE|FILESIZE|CONTROL|IGNORE)\b/.test(line(call)) ||
            call.variables.some(({ name }) => /^HIST(?:FILE|SIZE|FILESIZE|CONTROL)$/.test(name)))) ||
        (call.name === "set" && /\+o history/.test(line(call))) ||
        /HISTFILE|HISTCONTROL/.test(written_line(call)),
    ],
    "service-stop": [
      60,
      (call) =>
        (call.name === "systemctl" && /\b(?:stop|disable|kill|mask|poweroff|halt|reboot|isolate)\b/.test(line(call))) ||
        (/^(?:service|rc-service|initctl|sv|svc|onestop|chkconfig|update-rc\.d)$/.test(call.name) &&
          /\b(?:stop|off|disable|remove|onestop|del)\b/.test(line(call))) ||
        /^\/etc\/(?:init|rc)\.d\/\S+ (?:stop|onestop)/.test(`${call.program} ${values(call).join(" ")}`),
    ],
    firewall: [
      60,
      (call) =>
        /^(?:ip6?tables|nft|ufw|pfctl|firewall-cmd|ipfw|ebtables)$/.test(call.name) &&
        /(?:^| )(?:-F|-X|-D|-P|-A|-I|-d|disable|reset|delete|flush|--flush|allow|off|--remove-\S+|--add-\S+|stop)\b/.test(
          line(call),
        ) &&
        !/\s-L\b/.test(line(call)),
    ],
    defences: [
      70,
      (call) =>
        /^(?:setenforce|aa-disable|aa-teardown|csrutil|spctl|auditctl|sysctl|tccutil|kextcache|nvram|fdesetup|mokutil|semodule)$/.test(
          call.name,
        ) &&
        /\b(?:0|disable|--master-disable|-D|-e0|-e|-w|reset|permissive|-r|-d)\b|=/.test(line(call)) &&
        !/\b(?:status|-a|-l)$/.test(line(call)),
    ],
    quarantine: [65, (call) => call.name === "xattr" && has(call, "dcr") && /quarantine|-c/.test(line(call))],
    macos: [
      60,
      (call) =>
        /^(?:networksetup|scutil|dsenableroot|chflags|systemsetup|kickstart|pmset|profiles|softwareupdate|tmutil|bless|dscacheutil|fdesetup|PlistBuddy|plutil)$/.test(
          call.name,
        ) &&
        /-set|-activate|hidden|-setremotelogin|--set|-insert|\bdisable|deletelocalsnapshots|install|^dsenableroot|-flushcache|Set |Add |-replace/i.test(
          line(call),
        ),
    ],
    agents: [
      65,
      (call) =>
        /falco|osquery|crowdstrike|falcon|carbon|cbdaemon|auditd|rsyslog|syslogd?\b|journald|sysmon|clamav|freshclam|wazuh|ossec|apparmor|sentinel|defender|mdatp|LittleSnitch|BlockBlock|\bsantad?\b/i.test(
          line(call),
        ) &&
        /^(?:kill|pkill|killall|rm|apt|apt-get|yum|dnf|dpkg|rpm|sed|mv|launchctl|systemctl|service|zypper)$/.test(
          call.name,
        ),
    ],
    timestomp: [
      60,
      (call) =>
        call.name === "touch" &&
        has(call, "trd", "--reference", "--date") &&
        has(call, "amrt", "--reference", "--date") &&
        operands(call).length > 0 &&
        (has(call, "r", "--reference") || operands(call).some((path) => path.startsWith("/"))),
    ],
    clock: [
      60,
      (call) =>
        (call.name === "date" && (has(call, "s", "--set") || /^\d{8,}/.test(operands(call)[0] ?? ""))) ||
        (/^(?:timedatectl|hwclock)$/.test(call.name) && /set|--hctosys|-w/.test(line(call))),
    ],
    power: [
      60,
      (call) =>
        /^(?:shutdown|poweroff|halt|reboot|init|telinit)$/.test(call.name) &&
        !has(call, "c", "--help") &&
        !/^init (?!0|6)/.test(line(call)),
    ],
    "kill-all": [
      60,
      (call) =>
        /^(?:kill|killall|pkill)$/.test(call.name) &&
        /(?: -9)? (?:-1|1)$| -u root|\b(?:init|systemd|sshd)\b/.test(line(call)) &&
        !/^kill -l/.test(line(call)),
    ],
    swap: [
      55,
      (call) =>
        /^(?:swapoff|umount|zpool|lvremove|vgremove|pvremove|mdadm|cryptsetup|parted|fdisk|sgdisk|gdisk|btrfs|zfs)$/.test(
          call.name,
        ) &&
        /\b(?:-a|destroy|remove|lvremove|--zero-superblock|luksFormat|luksErase|erase|mklabel|rm|-Z|--zap-all|delete|rollback|detach|offline|split|labelclear|--stop|--fail)\b|^(?:lv|vg|pv)remove/.test(
          line(call),
        ),
    ],
  }),
  ...rules("Reads keys, passwords or the data of other programs.", {
    credentials: [
      65,
      (call) =>
        READERS.test(call.name) &&
        [...values(call), ...call.redirects.map(({ target }) => target)].some(
          (word) => CREDENTIALS.test(word) && !/\.pub$/.test(word),
        ),
    ],
    keychain: [
      70,
      (call) =>
        (call.name === "security" &&
          /\b(?:dump-keychain|find-(?:generic|internet)-password|export|unlock-keychain|find-certificate|add-trusted-cert)\b/.test(
            line(call),
          )) ||
        /^(?:secret-tool|gnome-keyring|kwallet-query|laZagne(?:\.py)?|mimipenguin(?:\.sh|\.py)?|linpeas(?:\.sh)?|LinEnum(?:\.sh)?|pspy\d*|chisel|sliver|msfvenom|msfconsole|hydra|hashcat|john|sqlmap|gobuster|responder|bettercap|unshadow|trufflehog|ncrack|medusa|stratus)$/i.test(
          call.name,
        ),
    ],
    "tool-script": [
      70,
      (call) =>
        /laZagne|mimipenguin|linpeas|LinEnum|PEASS|keylogger|exploit|meterpreter|revshell|reverse_shell|c2_?(?:agent|server)|\bstratus\b|cryptominer|xmrig/i.test(
          line(call),
        ) && !/^(?:echo|grep|man|git|which|type|command)$/.test(call.name),
    ],
    "password-search": [
      55,
      (call) =>
        /^(?:grep|egrep|fgrep|rg|find|ag|locate|mdfind)$/.test(call.name) &&
        /passw(?:or)?d|secret|api[_-]?key|credential|private.key|aws_access|BEGIN [A-Z ]*PRIVATE|id_rsa|\.pem|kdbx|\.p12|wallet/i.test(
          values(call).join(" "),
        ) &&
        !/\/etc\/passwd/.test(line(call)),
    ],
    capture: [
      55,
      (call) =>
        /^(?:tcpdump|tshark|dumpcap|screencapture|xwd|import|scrot|xclip|pbpaste|xinput|arecord|ffmpeg|ttyrec|sniff|ettercap|showkey|wl-paste|gnome-screenshot|imagesnap|logkeys)$/.test(
          call.name,
        ) &&
        (/^(?:tcpdump|screencapture|xwd|pbpaste|xinput|logkeys|showkey|dumpcap)$/.test(call.name)
          ? !/--help|--version|\s-r\s/.test(line(call))
          : /x11grab|-o\b|screenshot/.test(line(call))),
    ],
    "credential-paths": [
      55,
      (call) =>
        !/^(?:echo|printf|git|mkdir|touch|chmod|chown|man|ssh-add|ssh-keygen|ssh|test|\[|cd|true|which|ls|file|stat|)$/.test(
          call.name,
        ) &&
        values(call).some((word) =>
          /\/etc\/g?shadow|\.aws\/credentials|\.azure\b|\/\.ssh\/id_|accessTokens\.json|msal_token_cache|\.config\/gcloud|master\.passwd/.test(
            word,
          ),
        ),
    ],
    "ssh-password": [58, (call) => call.name === "sshpass" || call.wrappers.includes("sshpass")],
    "process-memory": [
      70,
      (call) =>
        /^(?:gcore|gdb|dd|strings|process_vm_readv|lldb|procdump)$/.test(call.name) &&
        /-p\b|\/proc\/[^ /]{1,40}\/mem|--pid|^gcore|attach/.test(line(call)),
    ],
    passphrase: [
      65,
      (call) =>
        call.name === "osascript" &&
        /password|passphrase|hidden answer|keystroke|do shell script|display dialog|login item|to delete|Terminal/i.test(
          line(call),
        ),
    ],
  }),
];

function written_line(call: Parameters<Rule["applies"]>[0]): string {
  return call.name === "echo" && targets(call).length > 0 ? line(call) : "";
}
