import { randomInt } from "node:crypto";

const FIRST =
  "amber ashen brisk calm clear coral crisp dusky eager early fleet fresh gentle glad grand keen late lucid mellow mild misty neat noble olive pale plain quick quiet rapid rosy sandy sharp silent silver small still swift tender tidy vivid warm wild young".split(
    " ",
  );
const SECOND =
  "basin birch bloom branch breeze brook canyon cedar cliff cloud comet cove creek crest dawn delta dune ember falcon fern field fjord forest glade grove harbor haven heron island lagoon lake lark maple marsh meadow mesa mist moon otter peak pine pond reef ridge river sage shore sky slope spruce star stone stream summit tide trail valley wave willow wren".split(
    " ",
  );

/** A name for a background command that a model can repeat without mistakes; `isTaken` says which are in use. */
export function newSessionId(isTaken: (id: string) => boolean): string {
  for (let attempt = 0; ; attempt++) {
    const id = `${FIRST[randomInt(FIRST.length)]}-${SECOND[randomInt(SECOND.length)]}`;
    const numbered = attempt < 20 ? id : `${id}-${randomInt(1_000_000)}`;
    if (!isTaken(numbered)) return numbered;
  }
}

/** What a command is called in a list: its first word and what it is about. */
export function shortName(command: string): string {
  const [verb = "", ...others] = command.trim().split(/\s+/).slice(0, 20);
  const target = others.find((word) => !word.startsWith("-"));
  return [verb, target].filter(Boolean).join(" ").slice(0, 80);
}

/** `321ms`, `13s`, `2m5s`, `1h3m`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60)}m`;
}
