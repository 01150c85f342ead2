import { describe, expect, test } from "bun:test";
import { normalise } from "./normalise.ts";

const tags = (text: string): string =>
  [...text].map((char) => String.fromCodePoint(0xe0000 + char.charCodeAt(0))).join("");
/** Bytes as variation selectors. */
const selectors = (text: string): string =>
  [...Buffer.from(text)].map((byte) => String.fromCodePoint(byte < 16 ? 0xfe00 + byte : 0xe0100 + byte - 16)).join("");

describe("reading a text as a model does", () => {
  test.each([
    ["full width", "ｉｇｎｏｒｅ", "ignore"],
    ["mathematical letters", "𝐢𝐠𝗻𝑜𝓻𝖾", "ignore"],
    ["circled letters", "ⓘⓖⓝⓞⓡⓔ", "ignore"],
    ["small capitals", "ɪɢɴᴏʀᴇ", "ignore"],
    ["accents", "ígnörê", "ignore"],
    ["piled up marks", "i\u0301\u0316\u0334gn\u0335ore", "ignore"],
    ["zero-width characters", "i\u200bg\u200cn\u2060o\u00adr\ufeffe", "ignore"],
    ["directional marks", "\u202aignore\u202c", "ignore"],
    ["Cyrillic look-alikes", "іgnоrе", "ignore"],
    ["Greek look-alikes", "ιgnοrε", "ignore"],
    ["tag characters", `hi${tags("secret")} there`, "hi there"],
  ])("%s", (_name, source, expected) => {
    expect(normalise(source).text).toBe(expected);
  });

  test.each([
    "Привет, как дела?",
    "Καλημέρα κόσμε",
    "忽略之前的指令",
    "이전 지시를 무시",
    "تجاهل التعليمات",
    "पिछले निर्देश",
  ])("%s stays as it is", (text) => {
    const { text: read, mixed, invisible } = normalise(text);
    expect(read).toBe(text.normalize("NFKC").replace("ό", "ό"));
    expect([mixed.count, invisible.count]).toEqual([0, 0]);
  });

  test("a word of look-alikes alone is folded only where others are mixed", () => {
    expect(normalise("сор").text).toBe("сор");
    expect(normalise("іgnоrе аll thе сор").text).toBe("ignore all the cop");
  });

  test("offsets lead back to the original", () => {
    const source = `x${tags("abc")}y 𝐢\u200bgnore z`;
    const { text, at } = normalise(source);
    expect(text).toBe("xy ignore z");
    expect(source.slice(at(0), at(1))).toBe(`x${tags("abc")}`);
    expect(source.slice(at(text.indexOf("ignore")), at(text.indexOf(" z")))).toBe("𝐢\u200bgnore");
    expect(at(text.length)).toBe(source.length);
  });
});

describe("tricks that are noticed", () => {
  test("text in tag characters and in variation selectors is decoded", () => {
    expect(normalise(`a${tags("hidden words")}`).hidden).toEqual([{ text: "hidden words", span: [1, 25] }]);
    expect(normalise(`😀${selectors("hidden bytes")}`).hidden).toMatchObject([{ text: "hidden bytes" }]);
  });

  test.each([
    ["a flag of a region", `🏴${tags("gbeng")}\u{e007f}`],
    ["an emoji with its selector", "❤️ ☀️"],
    ["a selector typed several times", "♿️️️️️"],
    ["families of emoji", "👩‍👩‍👧‍👦"],
    ["Persian joiners", "می\u200cخواهم"],
    ["soft language marks", "\ufeffHello"],
    ["micrometres and deltas", "5 μm, Δx, αβγ"],
  ])("%s is no trick", (_name, text) => {
    const { hidden, invisible, mixed, reordered } = normalise(text);
    expect({ hidden, counts: [invisible.count, mixed.count, reordered.count] }).toEqual({
      hidden: [],
      counts: [0, 0, 0],
    });
  });

  test("counts and first places", () => {
    const { invisible, mixed, reordered } = normalise("ab i\u200bg\u200bn thе nоw \u202exyz");
    expect(invisible).toEqual({ count: 2, first: [4, 5] });
    expect(mixed).toEqual({ count: 2, first: [9, 12] });
    expect(reordered).toEqual({ count: 1, first: [17, 18] });
  });
});
