import type { Call } from "./call.ts";

const SHELLS = new Set(["sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "source", "."]);

/** True for a program that runs a text as commands. */
export const isShell = (name: string): boolean => SHELLS.has(name);

/** What a pipe of a few plain programs prints, when that is known: `echo … | base64 -d`. */
export function outputOf(calls: readonly Call[]): string | undefined {
  const [first, ...others] = calls;
  if (first === undefined || first.args.some(({ isLiteral }) => !isLiteral)) return undefined;
  let text: string;
  if (first.name === "echo")
    text = first.args
      .filter(({ value }) => !/^-[neE]+$/.test(value))
      .map((a) => a.value)
      .join(" ");
  else if (first.name === "printf")
    text = first.args
      .map(({ value }) => value)
      .join("")
      .replaceAll("%s", "");
  else if (first.input !== undefined && first.name === "base64") return decoded(first.input);
  else if (first.input !== undefined && first.name === "cat") text = first.input;
  else return undefined;
  for (const { name, args } of others) {
    const isDecoding = args.some(({ value }) => /^(-d|-D|--decode|-r|-p|-rp|-r\d*)$/.test(value));
    if (/^(base64|b64decode|openssl)$/.test(name) && (isDecoding || name === "b64decode")) text = decoded(text);
    else if (name === "rev") text = [...text].reverse().join("");
    else if (name === "xxd" && isDecoding) text = Buffer.from(text.replace(/\s/g, ""), "hex").toString("latin1");
    else if (name === "tr" && args[0]?.value === "A-Za-z") text = rot13(text);
    else if (name !== "cat") return undefined;
  }
  return text;
}

const decoded = (text: string): string => Buffer.from(text.trim(), "base64").toString("latin1");
const rot13 = (text: string): string =>
  text.replace(/[a-z]/gi, (c) => String.fromCharCode(c.charCodeAt(0) + (c.toLowerCase() < "n" ? 13 : -13)));
