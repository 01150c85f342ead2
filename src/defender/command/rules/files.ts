import { DISK, groundOf, isWholeHome, KERNEL } from "./paths.ts";
import { has, line, operands, type Rule, rules, targets, values, written } from "./rule.ts";

const isRemoval = (name: string): boolean => /^(?:rm|unlink|rmdir|srm|del|trash-empty)$/.test(name);
const BROAD = /^(?:\*|\.\/?|\.\/\*|\.\*|\*\.\*|\$PWD\/?|\$\(pwd\)|`pwd`)$/;

/** Loss of files, disks and histories. */
export const FILE_RULES: readonly Rule[] = [
  ...rules("Deletes or overwrites what the whole machine or a person's whole home depends on.", {
    "remove-root": [
      95,
      (call, { workspace }) =>
        call.name === "rm" &&
        has(call, "rR", "--recursive") &&
        operands(call).some((path) => {
          const ground = groundOf(path, workspace);
          const isTop = /^\/[A-Za-z0-9]+\/?\*?$/.test(path) && ground === "system";
          return ground === "root" || isTop || isWholeHome(path);
        }),
    ],
    "no-preserve-root": [95, (call) => has(call, "", "--no-preserve-root")],
    "disk-overwrite": [
      90,
      (call) =>
        [...targets(call), ...written(call)].some((path) => DISK.test(path)) &&
        /^(?:dd|shred|cp|cat|tee|echo|head|yes)$/.test(call.name),
    ],
    mkfs: [
      85,
      (call) =>
        /^(?:mkfs(?:\..+)?|wipefs|mke2fs|newfs(?:_.+)?|mkswap|blkdiscard)$/.test(call.name) &&
        operands(call).some((path) => DISK.test(path)),
    ],
    "fork-bomb": [90, (call) => call.name === ":" && call.after.some(({ name }) => name === ":")],
  }),
  ...rules("Deletes files for good outside the agent's own folder, or all of it at once.", {
    remove: [
      60,
      (call, { workspace }) =>
        isRemoval(call.name) &&
        has(call, "rR", "--recursive") &&
        operands(call).some((path) => {
          const ground = groundOf(path, workspace);
          return BROAD.test(path) || (ground !== "own" && ground !== "temp") || /(?:^|\/)\.git\/?$/.test(path);
        }),
    ],
    "remove-system": [
      60,
      (call, { workspace }) =>
        isRemoval(call.name) &&
        operands(call).some((path) => groundOf(path, workspace) === "system" && !path.startsWith("/dev/null")),
    ],
    "remove-home-hidden": [
      55,
      (call) =>
        isRemoval(call.name) &&
        operands(call).some((path) => /(?:^|\/)\.[a-z]\w*(?:_history|rc|_profile|\/)/.test(path)),
    ],
    "remove-found": [
      60,
      (call) => isRemoval(call.name) && call.isOpenEnded && has(call, "rR", "--recursive") && has(call, "f", "--force"),
    ],
    "remove-unknown": [
      52,
      (call) =>
        call.name === "rm" &&
        has(call, "rR", "--recursive") &&
        call.args.some(
          ({ value, isLiteral }) =>
            !isLiteral && /^["']?\$\{?\w+\}?["']?(?:\/\*?)?$/.test(value) && !/TMP|HOME/.test(value),
        ),
    ],
    "find-remove": [
      60,
      (call, { workspace }) =>
        call.name === "find" &&
        /-exec(?:dir)? (?:sudo )?(?:\/bin\/)?rm\b/.test(line(call)) &&
        /^(?:root|system|home|parent)$/.test(groundOf(operands(call)[0] ?? ".", workspace)),
    ],
    "find-delete": [
      60,
      (call, { workspace }) =>
        call.name === "find" &&
        values(call).includes("-delete") &&
        /^(?:root|system|home)$/.test(groundOf(operands(call)[0] ?? ".", workspace)),
    ],
    "find-delete-all": [
      55,
      (call) =>
        call.name === "find" &&
        values(call).includes("-delete") &&
        !values(call).some((word) =>
          /^-(?:i?name|i?path|i?regex|m?time|mmin|empty|newer|size|[ac]time|inum|user|perm)/.test(word),
        ),
    ],
    shred: [60, (call) => /^(?:shred|srm|wipe|scrub)$/.test(call.name) && operands(call).length > 0],
    "sync-deleting": [
      55,
      (call) =>
        /^(?:rsync|rclone)$/.test(call.name) &&
        values(call).some((word) => /^--del(?:ete(?:-.+)?)?$/.test(word) || word === "--remove-source-files") &&
        !has(call, "n", "--dry-run"),
    ],
    "rclone-loss": [
      60,
      (call) =>
        call.name === "rclone" &&
        /\b(?:purge|delete|sync|cleanup|deletefile|rmdirs)\b/.test(values(call)[0] ?? "") &&
        !has(call, "n", "--dry-run"),
    ],
    "truncate-system": [
      60,
      (call, { workspace }) =>
        /^(?:truncate|cp|mv|cat|echo|dd|:|true|)$/.test(call.name) &&
        targets(call).some((path) => groundOf(path, workspace) === "system" && !path.startsWith("/dev/")) &&
        call.name !== "",
    ],
    "write-system": [
      55,
      (call, { workspace }) =>
        [...targets(call)].some(
          (path) =>
            groundOf(path, workspace) === "system" &&
            !/^\/dev\/(?:null|std|tty|fd|shm)/.test(path) &&
            !/^\/(?:home|mnt|media|srv|opt|Users|var\/www)\//.test(path),
        ) && !/^(?:chmod|chown|touch|vi|vim|nano|ed)$/.test(call.name),
    ],
    "move-away": [
      60,
      (call, { workspace }) =>
        call.name === "mv" &&
        (operands(call).at(-1) === "/dev/null" ||
          operands(call)
            .slice(0, -1)
            .some((path) => /^(?:root|system)$/.test(groundOf(path, workspace)) || isWholeHome(path))),
    ],
    kernel: [75, (call) => targets(call).some((path) => KERNEL.test(path))],
    "crypto-loss": [
      60,
      (call, { calls }) =>
        /^(?:openssl|gpg|gpg2|ccrypt|7z|zip|age)$/.test(call.name) &&
        /\b(?:enc|-c|--symmetric|-e|--encrypt|-P|-p\S+|--password)\b/.test(line(call)) &&
        calls.some(({ name }) => isRemoval(name) || name === "mv" || name === "shred"),
    ],
  }),
  ...rules("Changes who may read, change or run files in a way that is hard to take back.", {
    "mode-all": [
      55,
      (call, { workspace }) =>
        call.name === "chmod" &&
        has(call, "R", "--recursive") &&
        operands(call)
          .slice(1)
          .some((path) => /^(?:root|system|home)$/.test(groundOf(path, workspace))),
    ],
    "owner-system": [
      55,
      (call, { workspace }) =>
        /^(?:chown|chgrp)$/.test(call.name) &&
        has(call, "R", "--recursive") &&
        operands(call)
          .slice(1)
          .some((path) => /^(?:root|system)$/.test(groundOf(path, workspace))),
    ],
    setuid: [
      65,
      (call) =>
        call.name === "chmod" &&
        /(?:^|,)(?:[ugoa]*\+[rwxXt]*s|0?[4267][0-7]{3}$)/.test(
          operands(call)[0] ?? values(call).find((word) => /^[0-7]{4}$|\+s/.test(word)) ?? "",
        ) &&
        !/^[02]?[0-7]{3}$/.test(operands(call)[0] ?? "") &&
        !/^2/.test(operands(call)[0] ?? "") &&
        !/^1/.test(operands(call)[0] ?? ""),
    ],
    capability: [70, (call) => /^(?:setcap|setfacl|setfattr)$/.test(call.name) && /cap_|u:|=ep/.test(line(call))],
    immutable: [55, (call) => call.name === "chattr" && /[+-][a-z]*[ia]/.test(line(call))],
  }),
];
