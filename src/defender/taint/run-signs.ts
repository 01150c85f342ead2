import type { Call } from "../command/call.ts";
import { commandFindings } from "../command/findings.ts";
import { groundOf } from "../command/rules/paths.ts";
import { targets } from "../command/rules/rule.ts";
import { type Parse, walk } from "../command/walk.ts";
import { type Token, tokensOf } from "./tokens.ts";

/** What a command shows of its reach, for the question who wanted it. */
export interface RunSigns {
  /** The highest score of what the command guard finds. */
  risk: number;
  /** Names of the programs, and each with its first argument. */
  programs: string[];
  /** Hosts, addresses and paths that stand in it. */
  targets: Token[];
  /** It speaks to other machines. */
  isNetwork: boolean;
  /** It carries something out, rather than only fetching. */
  sends: boolean;
  writesOutside: boolean;
  /** Part of it is known only when it runs. */
  isOpaque: boolean;
}

const NETWORK =
  /^(?:curl|wget|https?|xh|aria2c|ssh|scp|sftp|ftp|rsync|nc|ncat|netcat|socat|telnet|mail|mailx|mutt|sendmail|msmtp|swaks|gh|glab|aws|gcloud|gsutil|az|kubectl|rclone|s3cmd|doctl|heroku|vercel|netlify|fly|flyctl|dig|nslookup|host|openssl)$/;
const ALWAYS_SENDS =
  /^(?:scp|sftp|ftp|rsync|nc|ncat|netcat|socat|telnet|mail|mailx|mutt|sendmail|msmtp|swaks|rclone|s3cmd)$/;
const SENDING_OPTION =
  /^(?:-d|-F|-T|--data.*|--form.*|--upload-file|--post-.*|--body-.*|--json)(?:=|$)|^-X(?:POST|PUT|PATCH)$|^-d./;
const SENDING_VERB: Readonly<Record<string, RegExp>> = {
  git: /^push$/,
  npm: /^publish$/,
  pnpm: /^publish$/,
  yarn: /^publish$/,
  docker: /^push$/,
  podman: /^push$/,
  gh: /^(?:issue|pr|gist|release|api|repo)$/,
  glab: /^(?:issue|mr|snippet|release|api)$/,
  cargo: /^publish$/,
  twine: /^upload$/,
};

/** @throws what `checkTime` throws */
export function runSigns(text: string, cwd: string, parse: Parse, checkTime: () => void): RunSigns {
  const { calls, unknownCode, errors, isTooMuch } = walk(text, parse, checkTime);
  const scores = commandFindings(text, cwd, parse, checkTime).map(({ score }) => score);
  return {
    risk: Math.max(0, ...scores),
    programs: calls.flatMap(({ name, values }) => (values[0] === undefined ? [name] : [name, `${name} ${values[0]}`])),
    targets: tokensOf(text),
    isNetwork: calls.some((call) => NETWORK.test(call.name) || isSending(call) || fetchesRepository(call)),
    sends: calls.some(isSending),
    writesOutside: calls.some((call) => targets(call).some((path) => isElsewhere(path, cwd))),
    isOpaque: unknownCode > 0 || errors > 0 || isTooMuch,
  };
}

function isSending(call: Call): boolean {
  const { name, values } = call;
  if (ALWAYS_SENDS.test(name)) return true;
  if (Object.hasOwn(SENDING_VERB, name)) return values.some((value) => SENDING_VERB[name]!.test(value));
  if (name === "ssh") return call.input !== undefined || call.before.length > 0;
  return (
    /^(?:curl|wget|https?|xh)$/.test(name) &&
    values.some((value, at) => SENDING_OPTION.test(value) || isPost(values, at))
  );
}

const isPost = (values: readonly string[], at: number): boolean =>
  /^(?:-X|--request|--method)$/.test(values[at]!) && /^(?:POST|PUT|PATCH|DELETE)$/i.test(values[at + 1] ?? "");

const fetchesRepository = ({ name, values }: Call): boolean =>
  name === "git" && values.some((value) => /^(?:clone|pull|fetch|ls-remote|submodule|remote)$/.test(value));

function isElsewhere(path: string, cwd: string): boolean {
  const ground = groundOf(path, cwd);
  return path !== "/dev/null" && ground !== "own" && ground !== "temp";
}
