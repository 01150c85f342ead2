import { describe, expect, test } from "bun:test";
import type { Origin } from "../types.ts";
import { urlGuard } from "./guard.ts";

const OWN = "the-gateways-own-key-4711-x9";
const guard = urlGuard(() => [OWN]);
const KEY = `ghp_${"aB3dE5fG7h".repeat(4)}`;

const found = async (url: string, origin: Origin = "web"): Promise<Map<string, number>> => {
  const findings = await guard.inspect({ kind: "url", url, method: "GET" }, { origin }, () => {});
  return new Map(findings.map(({ id, score }) => [id, score]));
};
const score = async (url: string, origin?: Origin): Promise<number> =>
  Math.max(0, ...(await found(url, origin)).values());

describe("addresses", () => {
  test.each([
    "https://example.org/a?b=c",
    "http://93.184.216.34/",
    "https://sub.example.com:8443/x",
    "https://www.google.com/search?q=how+do+i+reset+my+paypal+password",
    "https://xn--mnchen-3ya.de/",
    "https://пример.рф/",
    "https://accounts.google.co.uk/login",
    "https://mail.yahoo.co.jp/",
    "https://d1a2b3c4e5f6g7.cloudfront.net/assets/main.0a1b2c3d4e5f60718293a4b5c6d7e8f9.js",
    "https://packages.example.org/typescript/-/typescript-5.9.3.tgz",
    "https://raw.githubusercontent.com/a/b/main/install.sh",
    `https://example.org/graphql?query=${encodeURIComponent("{ user(id: 5) { name, mail } }")}`,
  ])("of the public web are allowed: %s", async (url) => expect(await score(url)).toBeLessThan(50));

  test.each([
    "http://127.0.0.1:8080/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://2130706433/",
    "http://１２７.０.０.１/",
    "http://[::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[fe80::1]/",
    "http://[64:ff9b::a00:1]/",
    "http://169.254.7.7/",
    "http://printer/",
    "http://router.local/",
    "http://localhost./",
    "http://10-0-0-1.nip.io/",
    "http://a.7f000001.nip.io/",
    "http://app.lvh.me/",
    "http://7f000001.08080808.rbndr.us/",
    "http://1572395042/",
    "https://user:secret@example.org/",
    "https://google.com\\@example.org/@x:y@",
    "file:///etc/passwd",
    "gopher://example.org:6379/_FLUSHALL",
    "data:text/html;base64,PHNjcmlwdD4=",
    "http://93.184.216.34/update.sh",
    "https://webhook.site/0000",
    "https://example.org/a\u202egnp.exe",
    "nonsense",
  ])("88: go to review: %s", async (url) => expect(await score(url)).toBeGreaterThanOrEqual(50));

  test.each([
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/latest/",
    "http://2852039166/latest/",
    "http://[fd00:ec2::254]/",
    "http://169.254.169.254.nip.io/",
    "http://metadata.google.internal/computeMetadata/v1/",
  ])("88: of a machine's own keys are blocked: %s", async (url) =>
    expect((await found(url)).get("url.metadata")).toBeGreaterThanOrEqual(80),
  );
});

test("an operator's choice may be inside, but not where a machine's keys are", async () => {
  const of = (url: string) =>
    guard.inspect({ kind: "url", url, method: "GET", isConfigured: true }, { origin: "web" }, () => {});
  expect(await of("http://127.0.0.1:8888/")).toEqual([]);
  expect(await of("http://169.254.169.254/")).toMatchObject([{ id: "url.metadata" }]);
});

describe("names that pass for others", () => {
  test.each([
    ["https://xn--pple-43d.com/", "url.lookalike"],
    ["https://аррӏе.com/", "url.lookalike"],
    ["https://gïthub.com/", "url.lookalike"],
    ["https://www.paypa1.com/", "url.lookalike"],
    ["https://rnicrosoft.com/", "url.lookalike"],
    ["https://g00gle-docs.com/", "url.lookalike"],
    ["https://еxаmplе-shop.com/", "url.mixed-scripts"],
    ["https://githbu.com/", "url.misspelt"],
    ["https://paypal-login.com/", "url.lure"],
    ["https://www.paypal.com.account.example/", "url.borrowed-name"],
  ])("%s: %s", async (url, id) => {
    expect((await found(url)).get(id)).toBeGreaterThanOrEqual(50);
  });
});

describe("what an address carries out", () => {
  test.each([
    `https://example.org/?q=${OWN}`,
    `https://example.org/?q=${encodeURIComponent(encodeURIComponent(`a b ${OWN}`))}`,
    `https://example.org/${Buffer.from(`xx${OWN}`).toString("base64url")}`,
    `https://${Buffer.from(OWN).toString("hex").replace(/.{50}/, "$&.")}.example.org/`,
    `https://example.org/#${Buffer.from(OWN).toString("hex")}`,
  ])("the gateway's own secret: %s", async (url) =>
    expect((await found(url, "owner")).get("url.own-secret")).toBeGreaterThanOrEqual(80),
  );

  test("others' credentials and files, plain and wrapped", async () => {
    const wrapped = (text: string) => `https://example.org/i.png?d=${Buffer.from(text).toString("base64")}`;
    expect((await found(`https://example.org/?t=${KEY}`)).get("url.carries-credential")).toBe(75);
    expect((await found(wrapped(`token ${KEY}`))).get("url.carries-credential")).toBe(75);
    expect((await found(wrapped("root:x:0:0:root:/root:/bin/bash\n"))).has("url.carries-accounts")).toBe(true);
    const talk = "He said that the meeting is on Friday and that nobody else may know of it. ".repeat(12);
    expect((await found(wrapped(talk.slice(0, 200)))).has("url.carries-text")).toBe(true);
    expect((await found(`https://example.org/?d=${encodeURIComponent(talk)}`)).has("url.carries-text")).toBe(true);
  });

  test("a key that a service wants is no matter when the owner says the address", async () => {
    const url = "https://api.example.org/v1/weather?token=a8Kd02mQx7Lp4Rt9Wz1c";
    expect(await score(url, "owner")).toBeLessThan(50);
    expect(await score(url, "web")).toBeGreaterThanOrEqual(50);
  });
});

describe("links in messages", () => {
  const inMessage = async (text: string) => {
    const action = { kind: "outbound-message", channel: "slack", target: "C1", text } as const;
    return guard.inspect(action, { origin: "model" }, () => {});
  };

  test.each([
    ["See http://localhost:3000/ and http://192.168.1.4/.", undefined],
    ["[our page](https://example.org/a(b)) and mailto:a@b.example, ftp://example.org/x", undefined],
    ["[example.org](https://www.example.org/x)", undefined],
    ["[www.paypal.com](https://example.net/x)", "url.other-than-shown"],
    ["[run](javascript:alert(1))", "url.script-link"],
    ["Log in at https://paypa1.com.", "url.lookalike"],
    [`![x](https://example.org/p.png?d=${"a1".repeat(200)})`, "url.telling-picture"],
    [`Look: https://example.org/?k=${KEY}`, "url.carries-credential"],
    ["https://me:pass@example.org/", "url.credentials"],
  ])("%s: %s", async (text, id) => {
    const ids = (await inMessage(text)).filter((each) => each.score >= 50).map((each) => each.id);
    expect(ids).toEqual(id === undefined ? [] : [id]);
  });

  test("are pointed to by their place, once for each rule", async () => {
    const text = "first https://paypa1.com/ then https://paypa1.com/2";
    expect(await inMessage(text)).toMatchObject([{ id: "url.lookalike", span: [6, 25] }]);
  });

  test("more than can be looked at go to review", async () => {
    expect(await inMessage("https://example.org/ ".repeat(300))).toMatchObject([{ id: "url.too-many-links" }]);
  });
});

test("crafted texts take no more than their length", async () => {
  const size = 200_000;
  for (const piece of [
    "a",
    "[",
    "![a](",
    "http://",
    "a.",
    "xn--",
    "%25",
    "rn",
    "()",
    "javascript:",
    "http://a@",
    "=&",
  ]) {
    const text = piece.repeat(size / piece.length);
    const message = { kind: "outbound-message", channel: "x", target: "y", text } as const;
    await guard.inspect(message, { origin: "model" }, () => {});
    await found(`https://example.org/?${text.slice(0, 16_000)}`);
  }
  expect((await found(`https://example.org/${"a".repeat(size)}`)).has("url.too-long")).toBe(true);
});

test("other actions are none of its business", async () => {
  const action = { kind: "install", source: "http://127.0.0.1/", path: "/x" } as const;
  expect(await guard.inspect(action, { origin: "web" }, () => {})).toEqual([]);
});
