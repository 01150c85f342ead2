const QUALITIES = [
  "brisk",
  "calm",
  "clever",
  "deep",
  "eager",
  "fleet",
  "keen",
  "mellow",
  "nimble",
  "quiet",
  "salty",
  "swift",
];
const CREATURES = ["barnacle", "crab", "crayfish", "krill", "lobster", "prawn", "shrimp", "urchin"];

/** A name that is read and said easily, with a number behind it when it is taken. `random` gives numbers from 0 to 1. */
export async function freeName(isTaken: (name: string) => Promise<boolean>, random = Math.random): Promise<string> {
  const pick = (words: readonly string[]): string => words[Math.floor(random() * words.length)]!;
  const base = `${pick(QUALITIES)}-${pick(CREATURES)}`;
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}-${n}`;
    if (!(await isTaken(name))) return name;
  }
}
