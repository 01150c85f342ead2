import { resolve } from "node:path";

/** Whose a path is. */
export type Ground = "root" | "system" | "home" | "parent" | "temp" | "own" | "other";

const HOME = /^(?:~[\w.-]*|\$\{?HOME\}?|\/root|\/home\/[^/]+|\/Users\/[^/]+)(?=\/|$)/;
const TEMP = /^(?:\/tmp|\/var\/tmp|\/private\/tmp|\/dev\/shm|\$\{?TMPDIR[^}]*\}?|\$\(mktemp[^)]*\))(?=\/|$)/;
const SYSTEM =
  /^\/(?:etc|usr|bin|sbin|boot|var|lib|lib32|lib64|opt|dev|proc|sys|srv|home|Users|System|Library|Applications|private\/etc|mnt|media|run)(?=\/|$)/;

/** What a path means for somebody who deletes or overwrites there. */
export function groundOf(path: string, workspace: string): Ground {
  const plain = path.replace(/\/+/g, "/").replace(/^(["'])(.*)\1$/, "$2");
  if (/^\/(?:\*|\.\*?)?$/.test(plain)) return "root";
  if (plain.startsWith("/") && /\/\.\.(?:\/|$)/.test(plain)) return groundOf(resolve(plain), workspace);
  if (TEMP.test(plain) && !/^\/(?:var\/)?tmp\/?$/.test(plain)) return "temp";
  if (plain.startsWith("/") && (plain === workspace || plain.startsWith(`${workspace}/`))) return "own";
  if (HOME.test(plain)) return "home";
  if (SYSTEM.test(plain)) return "system";
  if (plain.startsWith("/")) return "other";
  if (/^\.\.(?:\/|$)/.test(plain) || plain === ".*") return "parent";
  return "own";
}

/** Home folders as a whole, and not something below them. */
export const isWholeHome = (path: string): boolean =>
  HOME.test(path) && path.replace(HOME, "").replace(/^\/?\*?$/, "") === "";

/**
 * Files whose content is a key to something. Agents' workspaces lie in the gateway's folder unless told otherwise and are no
 * secret: a plain path into one counts as such, one with `..` or a pattern that could lead out of it does not.
 */
export const CREDENTIALS =
  /\.ssh(?:\/|$)(?!known_hosts|config$)|\bid_(?:rsa|dsa|ecdsa|ed25519)\b(?!\.pub)|\.aws\/credentials|\.netrc\b|\.pgpass\b|\.git-credentials|\.docker\/config\.json|\.kube\/config|\.gnupg(?:\/|$)|\.npmrc$|\.pypirc|\/etc\/(?:g?shadow-?|sudoers|krb5\.keytab|master\.passwd|spwd\.db)\b|\.config\/gcloud|\.azure\/|(?:^|\/)\.env(?:\.\w+)?$|\.(?:pem|p12|pfx|kdbx|keychain(?:-db)?|ovpn|ppk)\b|Login Data|logins\.json|key[34]\.db|Cookies(?:\.binarycookies)?(?:["'*]|$)|cookies\.sqlite|\.bash_history|\.zsh_history|\/proc\/[^ /]{0,40}\/(?:mem|environ|maps)\b|secrets?\.(?:ya?ml|json|txt)$|wallet\.dat|\.openclaw\/(?!workspace[\w-]{0,64}(?:\/(?:[^.$`{}[\]?]|\.(?![.*])){0,1024})?$)|\.chela\//i;

/** Places from which programs are started by themselves. */
export const AUTOSTART =
  /\/etc\/(?:cron|init\.d|rc\.|rc[0-9S]\.d|profile|bash\.bashrc|bashrc|zsh|systemd\/|ld\.so\.(?:preload|conf)|pam\.d|periodic|emond|update-motd\.d|xdg\/autostart|udev\/rules\.d|modules-load|environment$|inittab|anacrontab|apt\/apt\.conf\.d)|\/(?:var\/spool|usr\/lib)\/(?:cron|at|systemd)|\/usr\/lib\/udev|\.(?:bashrc|bash_profile|bash_login|bash_logout|profile|zshrc|zshenv|zprofile|zlogin|zlogout|cshrc|kshrc|xinitrc|xprofile|config\/fish)\b|\.config\/(?:autostart|systemd)|authorized_keys|\.ssh\/(?:config|rc)\b|LaunchAgents|LaunchDaemons|StartupItems|\.git\/hooks\/|\/usr\/(?:local\/)?(?:etc\/rc\.d|lib\/python[^/]{0,20}\/.{0,200}(?:sitecustomize|\.pth))|\.vimrc\b|\/crontabs?\//;
/** What decides who may do what. */
export const ACCOUNTS =
  /\/etc\/(?:passwd|group|g?shadow|sudoers|doas\.conf|ssh\/|pam|security\/|hosts(?:\.(?:allow|deny))?$|resolv\.conf|login\.defs|selinux|apparmor|audit|rsyslog|syslog|systemd\/journald|logrotate|nsswitch|ld\.so|default\/|sysctl|fstab|exports|crypttab|master\.passwd)/;
export const LOGS =
  /^\/(?:private\/)?var\/(?:log|audit|run\/(?:utmp|wtmp)|spool\/mail|mail|db\/diagnostics)\b|\/(?:wtmp|utmp|btmp|lastlog)$|_history$|\.(?:bash|zsh|sh)_history/;
export const KERNEL = /^\/(?:proc\/sys|proc\/sysrq-trigger|sys\/|dev\/(?:mem|kmem|port))/;
export const DISK = /^\/dev\/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|r?disk\d|mapper\/|md\d|dm-|loop|ada\d|da\d)/;
