import { isIP } from "node:net";

/**
 * True for an address on the public internet. Everything with a special use is not: this machine, private and shared
 * networks, link-local, multicast, documentation, benchmarks, and every IPv6 form that carries an IPv4 address which is
 * not public itself. (IANA special-purpose registries; KNOWN_ATTACKS 88.)
 */
export function isPublicAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, "");
  // A zone names an interface of this machine.
  if (bare.includes("%")) return false;
  switch (isIP(bare)) {
    case 4:
      return isPublic4(bare.split(".").map(Number));
    case 6:
      return isPublic6(bytes6(bare));
    default:
      return false;
  }
}

/** Ranges of IPv4 that are not public: the first address and how many bits are fixed. */
const SPECIAL4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

function isPublic4(bytes: readonly number[]): boolean {
  const value = number4(bytes);
  return !SPECIAL4.some(([first, bits]) => {
    const shift = 2 ** (32 - bits);
    return Math.floor(value / shift) === Math.floor(number4(first.split(".").map(Number)) / shift);
  });
}

const number4 = (bytes: readonly number[]): number => bytes.reduce((sum, byte) => sum * 256 + byte, 0);

function isPublic6(bytes: readonly number[]): boolean {
  const begins = (...prefix: number[]) => prefix.every((byte, index) => bytes[index] === byte);
  const isZero = (from: number, to: number) => bytes.slice(from, to).every((byte) => byte === 0);
  const last4 = bytes.slice(12);
  if (isZero(0, 10) && ((bytes[10] === 0xff && bytes[11] === 0xff) || isZero(10, 12))) {
    // Mapped and compatible; `::` and `::1` are among the latter and not public as IPv4 either.
    return isPublic4(last4);
  }
  if (begins(0x00, 0x64, 0xff, 0x9b)) return isZero(4, 12) && isPublic4(last4); // NAT64; its local form has no public part
  if (begins(0x20, 0x02)) return isPublic4(bytes.slice(2, 6)); // 6to4
  if (begins(0x20, 0x01) && bytes[2]! < 0x02) return false; // Teredo, ORCHID and other protocol assignments
  if (begins(0x20, 0x01, 0x0d, 0xb8) || begins(0x3f, 0xff)) return false; // documentation
  // ISATAP: the interface id names an IPv4 address.
  if ((bytes[8]! & 0xfd) === 0 && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe) return isPublic4(last4);
  // Only 2000::/3 has been given out for the internet; the rest is local, link-local, multicast or reserved.
  return (bytes[0]! & 0xe0) === 0x20;
}

/** The sixteen bytes of an IPv6 address that is known to be one. */
function bytes6(address: string): number[] {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const ipv4 = dotted ? dotted[2]!.split(".").map(Number) : [];
  const text = dotted ? dotted[1]!.replace(/([^:]):$/, "$1") : address;
  const [left = "", right] = text.split("::");
  const groups = (part: string) =>
    part === ""
      ? []
      : part.split(":").flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
  const head = groups(left);
  const tail = [...groups(right ?? ""), ...ipv4];
  return [...head, ...new Array<number>(16 - head.length - tail.length).fill(0), ...tail];
}
