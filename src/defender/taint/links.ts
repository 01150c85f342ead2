/** Whether an address stands in a text (lower case) as a link, as it is or without what follows `#`. */
export function isLinkIn(url: string, lower: string): boolean {
  const plain = url.trim().toLowerCase().replace(/#.*$/, "");
  if (plain.length < 8) return false;
  const bare = plain.replace(/\/$/, "");
  for (let at = lower.indexOf(bare); at >= 0; at = lower.indexOf(bare, at + 1)) {
    // The whole link, not the beginning of a longer one that says something else, nor one made longer.
    if (!/[\w%=&-]/.test(lower[at + bare.length] ?? " ")) return true;
  }
  return false;
}

const BOUNDS = {
  /** Of a host that strangers chose: little is enough, such as a code of six digits. */
  some: { token: 16, digits: 6, total: 32 },
  /** Of any other host: a question is no secret, a key or a file is. */
  much: { token: 40, digits: 20, total: 200 },
};

/**
 * Whether an address carries out what neither the person nor the strangers have said: names and numbers that stand in its
 * path and query and nowhere in `known` (lower case).
 */
export function carriesData(url: string, known: string, bound: keyof typeof BOUNDS): boolean {
  const parsed = URL.parse(url.trim());
  if (parsed === null) return true;
  const { token, digits, total } = BOUNDS[bound];
  const carried = `${parsed.username} ${parsed.password} ${parsed.pathname} ${parsed.search}`;
  const unexplained = decoded(carried)
    .split(/[^\p{L}\p{N}%_-]+/u)
    .filter((part) => part !== "" && !known.includes(part.toLowerCase()));
  const isLong = (part: string): boolean => part.length >= token || (part.length >= digits && /\d/.test(part));
  const sum = unexplained.reduce((length, part) => length + part.length, 0);
  return unexplained.some(isLong) || sum > total || isLongHost(parsed.hostname, known);
}

/** Data may stand in front of a host's own name, which is looked up whatever is called. */
const isLongHost = (host: string, known: string): boolean =>
  host.split(".").some((label) => label.length >= 24 && !known.includes(label.toLowerCase()));

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
