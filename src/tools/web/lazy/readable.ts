import { mainContent } from "./main-content.ts";
import { pageText, type TextForm } from "./page-text.ts";
import { type PageBounds, readPageTree } from "./page-tree.ts";

export interface Readable {
  title: string | undefined;
  text: string;
  /** Upstream's names: what stood out of the page, or all of it. */
  extractor: "readability" | "raw-html";
}

/** What readers read of a page. Empty when the page holds no text. */
export async function readable(
  html: string,
  { form, base, wantsMain, bounds }: { form: TextForm; base: string; wantsMain: boolean; bounds: PageBounds },
): Promise<Readable> {
  const { body, title } = await readPageTree(html, bounds);
  const main = wantsMain ? mainContent(body) : undefined;
  const text = main ? pageText(main, form, base) : "";
  if (text !== "") return { title, text, extractor: "readability" };
  return { title, text: pageText(body, form, base), extractor: "raw-html" };
}
