import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../generated/limits.ts";
import { readable } from "./lazy/readable.ts";

const read = (html: string) =>
  readable(html, { form: "markdown", base: "https://site.example/a/", wantsMain: true, bounds: LIMITS });
const paragraph = (words: string) => `<p>${words}, and ${"more of it, as an article has, ".repeat(6)}</p>`;

describe("readable text of a page", () => {
  test("is what has most text and fewest links, without a named article, too", async () => {
    const links = Array.from({ length: 40 }, (_, index) => `<li><a href=/${index}>Item ${index} of the menu</a></li>`);
    const { text, extractor } = await read(
      `<body><div class=sidebar><ul>${links.join("")}</ul></div><div id=wrap><div class=post>${paragraph("One")}${paragraph("Two")}
      <h2>Below</h2>${paragraph("Three")}</div></div><div class=related>${links.join("")}</div>`,
    );
    expect(extractor).toBe("readability");
    expect(text).toStartWith("One, and");
    expect(text).toContain("## Below");
    expect(text).toContain("Three, and");
    expect(text).not.toContain("Item 3");
  });

  test("is everything when nothing stands out", async () => {
    expect(await read("<p>Just this")).toEqual({ title: undefined, text: "Just this", extractor: "raw-html" });
  });

  test("leaves out what is hidden from readers", async () => {
    const hidden = ["hidden", "aria-hidden=true", "style='x:y; display : none'", "style='font-size:0px'"];
    const { text } = await read(
      `<p>seen</p>${hidden.map((how) => `<p ${how}>secret <b>order</b></p>`).join("")}<!-- order -->`,
    );
    expect(text).toBe("seen");
  });

  test("keeps lists within lists, line breaks, quotes and pictures", async () => {
    const { text } = await read(
      `<ol start=3><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ol><p>x<br>y</p><blockquote><p>q1<p>q2</blockquote><img src=i.png alt="A [b]"><a href="javascript:x()">j</a>`,
    );
    expect(text).toBe(
      "3. a\n   - b\n   - c\n4. d\n\nx\ny\n\n> q1\n> \n> q2\n\n![A \\[b\\]](https://site.example/a/i.png)j",
    );
  });

  test("comes soon whatever a page does", async () => {
    const hostile = [
      "<div>".repeat(100_000),
      `${"<i>".repeat(120_000)}${"</b>".repeat(90_000)}`,
      "<table>".repeat(50_000),
      "<ul><li>".repeat(50_000),
      "<p ".repeat(100_000),
      `<p ${"a=1 ".repeat(150_000)}>x`,
      "<br>".repeat(180_000),
      "<svg><title>".repeat(50_000),
      "<a href=x>".repeat(60_000),
      "&lt;".repeat(180_000),
      `<p>${"<".repeat(700_000)}`,
    ];
    // Reading in proportion to the length takes a second or two for all; reading with its square takes minutes.
    for (const html of hostile) expect((await read(html)).text.length).toBeLessThanOrEqual(html.length);
  }, 30_000);
});
