import type { ActionGuard } from "../guard.ts";
import type { ActionContext, Finding } from "../types.ts";
import { asksFor, asksToAnswer, type Deed, deedsIn, isSender, onlyForeign } from "./asks.ts";
import { type Effect, toolEffect } from "./effects.ts";
import { carriesData, isLinkIn } from "./links.ts";
import type { RunSigns } from "./run-signs.ts";
import { names, type Token } from "./tokens.ts";

/** What was said in the turn, lower case. */
interface Heard {
  /** As it was written, and lower case. */
  words: string;
  asked: string;
  foreign: string;
}

/**
 * Once words of strangers have come into a turn, what they may have asked for needs a person, unless the owner's own words
 * ask for it: sending, running, fetching with data in the address, writing elsewhere, reading keys, planning, settling,
 * paying, deleting. Whose words an action follows is not told by how they sound, so that plain requests count as well.
 */
export const taintGuard: ActionGuard = {
  name: "taint",
  async inspect(action, context, checkTime) {
    const { turn, workspace = "", isAgreed } = context;
    if (turn === undefined || turn.foreign.length === 0 || isAgreed === true) return [];
    if (action.kind === "tool") {
      const effect = toolEffect(action, workspace);
      return effect === null ? [] : judged(effect, heardIn(turn));
    }
    if (action.kind !== "command") return [];
    const { runSigns } = await import("./run-signs.ts");
    const { parse } = await import("../../platform/lazy/unbash.ts");
    return ranFor(action.command, runSigns(action.command, action.cwd, parse, checkTime), heardIn(turn));
  },
};

function heardIn({ asked, foreign }: NonNullable<ActionContext["turn"]>): Heard {
  return {
    words: asked,
    asked: asked.toLowerCase(),
    foreign: foreign
      .map(({ text }) => text)
      .join("\n")
      .toLowerCase(),
  };
}

function judged(effect: Effect, heard: Heard): Finding[] {
  switch (effect.deed) {
    case "fetch":
      return fetched(effect.about[0] ?? "", effect.targets, heard);
    case "delegate":
      return delegated(effect, heard);
    case "write":
    case "secret":
    case "instruct":
      return aboutFiles(effect, heard);
    case "change":
      return isStrangersWish(effect.targets, heard) ? [finding("change")] : [];
    default:
      return addressed(effect, heard);
  }
}

/** A deed that the person must have asked for, and whose target strangers alone may not choose. */
function addressed({ deed, targets, isGuessed }: Effect, heard: Heard): Finding[] {
  if (!asksFor(deed, heard.words)) {
    // Of a tool that is known by its name alone, only what names or orders of strangers point to.
    const isGrave = deed === "destroy" || deed === "pay";
    if (isGuessed && !isGrave && targets.length === 0 && !asksFor(deed, heard.foreign)) return [];
    return [finding(deed)];
  }
  return isStrangersWish(targets, heard) ? [finding(deed, "target")] : [];
}

/** Strangers have named a target and the person has not; whoever is answered has named himself. */
function isStrangersWish(targets: readonly Token[], { words, asked, foreign }: Heard): boolean {
  const left = onlyForeign(targets, asked, foreign);
  if (left.length === 0) return false;
  return !(asksToAnswer(words) && left.every((token) => isSender(foreign, token)));
}

function aboutFiles({ deed, targets, about }: Effect, { words, asked }: Heard): Finding[] {
  if (targets.every((token) => names(asked, token))) return [];
  const isAsked = asksFor(deed, words);
  // A place outside must be named, at least by its folder; what instructs and what is secret may be asked for by its kind.
  if (deed !== "write") return isAsked ? [] : [finding(deed)];
  const folders = about.flatMap((path) => path.toLowerCase().split("/").slice(0, -1)).filter((part) => part.length > 3);
  return isAsked && folders.some((part) => asked.includes(part)) ? [] : [finding(deed)];
}

/** A task for others may ask for nothing that the person did not ask for, and name nobody that strangers alone have named. */
function delegated({ about, targets }: Effect, heard: Heard): Finding[] {
  const isBeyond = deedsIn(about.join("\n")).some((deed) => !asksFor(deed, heard.words));
  const isAsked = deedsIn(heard.words).length > 0 || !isBeyond;
  if (!isAsked || (isBeyond && isStrangersWish(targets, heard))) return [finding("delegate")];
  return deedsIn(about.join("\n")).includes("send") && isStrangersWish(targets, heard)
    ? [finding("delegate", "target")]
    : [];
}

/** Calling an address tells its host what stands in it. */
function fetched(url: string, targets: readonly Token[], heard: Heard): Finding[] {
  const { asked, foreign } = heard;
  const isOwn = targets.every((token) => names(asked, token));
  if (isOwn && !carriesData(url, `${asked}\n${foreign}`, "much")) return [];
  if (isLinkIn(url, asked) || isLinkIn(url, foreign)) return [];
  const isTheirs = onlyForeign(targets, asked, foreign).length > 0;
  return carriesData(url, `${asked}\n${foreign}`, isTheirs ? "some" : "much") ? [finding("fetch")] : [];
}

/** Places where code and packages are kept; fetching from them tells them nothing. */
const FORGES =
  /(?:^|\.)(?:github\.com|githubusercontent\.com|gitlab\.com|codeberg\.org|bitbucket\.org|pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|crates\.io|docker\.io|ghcr\.io|golang\.org|pkg\.go\.dev|rubygems\.org|debian\.org|ubuntu\.com)$/;

function ranFor(command: string, signs: RunSigns, heard: Heard): Finding[] {
  const { asked, foreign, words } = heard;
  if (asked.includes(command.trim().toLowerCase())) return [];
  const theirs = onlyForeign(signs.targets, asked, foreign).filter(({ value }) => signs.sends || !FORGES.test(value));
  const reaches = signs.sends || signs.writesOutside || theirs.length > 0;
  if (asksFor("run", words)) {
    const isTheirs = theirs.some(({ kind }) => kind !== "path" && kind !== "handle");
    if (signs.risk >= SUSPECT || (signs.isNetwork && isTheirs)) return [finding("run", "target")];
    return signs.sends && !SHIPS.test(words) && !asksFor("send", words) && !isNamed(asked, signs)
      ? [finding("run")]
      : [];
  }
  if (isNamed(asked, signs) && !reaches && signs.risk < SUSPECT) return [];
  const isSuggested = signs.programs.some((name) => name.includes(" ") && isProgramIn(foreign, name));
  const isRisky = signs.risk >= NOTABLE || signs.isNetwork || signs.isOpaque || reaches;
  return isRisky || isSuggested ? [finding("run")] : [];
}

/** Words by which somebody wants work carried out of the house. */
const SHIPS =
  /\b(?:push|publish|deploy|release|ship|upload|sync|back ?up|pr|pull request|merge request|open an? issue|veröffentlich\w*|hochlad\w*|déploie\w*|publie\w*|despliega\w*|pubblica\w*|implante)\b|部署|发布|推送|デプロイ/iu;

const isNamed = (asked: string, { programs }: RunSigns): boolean => programs.some((name) => isProgramIn(asked, name));

/** Scores of the command guard: worth a look in such a turn, and worth one even where the person wants things run. */
const NOTABLE = 15;
const SUSPECT = 40;

/** Whether a text (lower case) names a program as a word. */
function isProgramIn(text: string, name: string): boolean {
  const lower = name.toLowerCase();
  if (lower.length < 2) return false;
  for (let at = text.indexOf(lower); at >= 0; at = text.indexOf(lower, at + 1)) {
    if (!/[\w-]/.test(text[at - 1] ?? " ") && !/[\w-]/.test(text[at + lower.length] ?? " ")) return true;
  }
  return false;
}

const WHAT: Readonly<Record<Deed, string>> = {
  send: "send something",
  run: "run this command",
  fetch: "call an address that carries data",
  write: "write outside the workspace",
  secret: "read keys or passwords",
  schedule: "plan something for later",
  settings: "change settings",
  instruct: "change what instructs the agent",
  delegate: "hand this task on",
  pay: "pay or book something",
  destroy: "delete something",
  change: "change something that only strangers have named",
};

/** The policy says what it leads to, whatever the score. */
function finding(deed: Deed, why: "wish" | "target" = "wish"): Finding {
  const reason =
    why === "target"
      ? `After words of strangers have come into this turn, it would ${WHAT[deed]} where they say, and the person has not said so.`
      : `Words of strangers have come into this turn, and nobody who may ask for it has asked to ${WHAT[deed]}.`;
  return { id: `taint.${deed}`, score: 60, reason };
}
