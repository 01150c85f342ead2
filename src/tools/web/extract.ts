import type { FetchAnswer } from "../../platform/fetch-safe.ts";
import type { PageBounds } from "./lazy/page-tree.ts";

/** What can be read of an answer. */
export interface Extract {
  title?: string;
  text: string;
  /** Upstream's names. */
  extractor: "readability" | "raw-html" | "json" | "cf-markdown" | "raw";
  /** Without parameters. */
  contentType?: string;
}

/** The text of an answer by what it says it is: a page, JSON, Markdown, or else as it came. */
export async function extract(
  answer: FetchAnswer,
  form: "markdown" | "text",
  wantsMain: boolean,
  bounds: PageBounds,
): Promise<Extract> {
  const header = String(answer.headers["content-type"] ?? "").slice(0, 256);
  const contentType = header.split(";", 1)[0]!.trim().toLowerCase();
  const content = contentType === "" ? {} : { contentType };
  const text = decoded(answer.body, header);
  if (/^(?:text\/html|application\/xhtml\+xml)$/.test(contentType) || (contentType === "" && looksLikePage(text))) {
    const { readable } = await import("./lazy/readable.ts");
    const page = await readable(text, { form, base: answer.url, wantsMain, bounds });
    const { title, extractor } = page;
    return { ...(title === undefined ? {} : { title }), text: page.text, extractor, ...content };
  }
  if (/^application\/(?:[\w.-]+\+)?json$/.test(contentType)) {
    return { text: indented(text), extractor: "json", ...content };
  }
  return { text, extractor: contentType === "text/markdown" ? "cf-markdown" : "raw", ...content };
}

const looksLikePage = (text: string): boolean => /^\s*<(?:!doctype html|html)\b/i.test(text);

/** In the encoding that the answer names, or that a page names itself. */
function decoded(body: Buffer, header: string): string {
  const head = body.subarray(0, 1024).toString("latin1");
  const named = /charset=["']?([\w-]+)/i.exec(header)?.[1] ?? /<meta[^>]{0,100}charset=["']?([\w-]+)/i.exec(head)?.[1];
  try {
    return new TextDecoder((named ?? "utf-8") as "utf-8").decode(body);
  } catch {
    return body.toString("utf8");
  }
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
