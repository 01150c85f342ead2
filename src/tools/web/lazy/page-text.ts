import { isAround } from "./main-content.ts";
import type { PageNode } from "./page-tree.ts";

export type TextForm = "markdown" | "text";

const BLOCKS = new Set(
  "address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody td tfoot th thead tr ul".split(
    " ",
  ),
);

/** The text of an element as Markdown or plain, blocks apart from each other; addresses of links are made absolute. */
export function pageText(node: PageNode, form: TextForm, base: string): string {
  const writer = new Writer(form, base);
  return writer
    .block(node, isAround(node))
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

class Writer {
  constructor(
    private readonly form: TextForm,
    private readonly base: string,
  ) {}

  /** @param takesAll also what is around the text of a page */
  block(node: PageNode, takesAll = false): string {
    let out = "";
    let line = "";
    const endLine = () => {
      const text = line
        .replace(/[ \t\r\n]+/g, " ")
        .replaceAll(BREAK, "\n")
        .trim();
      if (text !== "") out += `${text}\n\n`;
      line = "";
    };
    for (const child of node.children) {
      if (child.tag !== "" && isAround(child) && !takesAll) continue;
      if (!holdsBlocks(child)) {
        line += this.inline(child);
        continue;
      }
      endLine();
      const text = this.ofBlock(child, takesAll);
      if (text.trim() !== "") out += `${text}\n\n`;
    }
    endLine();
    return out.trimEnd();
  }

  private ofBlock(node: PageNode, takesAll: boolean): string {
    const { tag } = node;
    if (tag === "pre") return this.code(node);
    if (tag === "table" && rowsOf(node).some(({ children }) => children.some((cell) => cell.tag === "th"))) {
      return this.table(node);
    }
    if (tag === "hr") return this.isMarkdown ? "---" : "";
    if (tag === "ul" || tag === "ol") return this.list(node, takesAll);
    const inner = this.block(node, takesAll);
    if (!this.isMarkdown || inner === "") return inner;
    if (/^h[1-6]$/.test(tag)) return `${"#".repeat(Number(tag[1]))} ${inner.replace(/\s+/g, " ")}`;
    return tag === "blockquote" ? inner.replace(/^/gm, "> ") : inner;
  }

  private get isMarkdown(): boolean {
    return this.form === "markdown";
  }

  private inline(node: PageNode): string {
    if (node.tag === "") return node.text;
    if (node.tag === "br") return BREAK;
    if (node.tag === "img") return this.image(node);
    const text = node.children.map((child) => this.inline(child)).join("");
    const trimmed = text.trim();
    if (!this.isMarkdown || trimmed === "") return text;
    const around = (mark: string) => text.replace(trimmed, () => `${mark}${trimmed}${mark}`);
    switch (node.tag) {
      case "a":
        return this.link(node, text, trimmed);
      case "b":
      case "strong":
        return around("**");
      case "i":
      case "em":
        return around("*");
      case "code":
      case "kbd":
      case "samp":
        return around("`");
      case "td":
      case "th":
        return ` ${text} `;
      default:
        return text;
    }
  }

  private link({ attributes }: PageNode, text: string, trimmed: string): string {
    const address = this.absolute(attributes.href);
    if (address === undefined) return text;
    return text.replace(trimmed, () => `[${trimmed.replace(/[[\]]/g, "\\$&")}](${address})`);
  }

  private image({ attributes }: PageNode): string {
    const alt = (attributes.alt ?? "").replace(/\s+/g, " ").trim();
    const address = this.absolute(attributes.src);
    if (!this.isMarkdown || alt === "" || address === undefined) return alt;
    return `![${alt.replace(/[[\]]/g, "\\$&")}](${address})`;
  }

  /** Undefined for what is no address that could be fetched. */
  private absolute(address: string | undefined): string | undefined {
    if (address === undefined || address.startsWith("#") || address.length > 2048) return undefined;
    const url = URL.parse(address, this.base);
    return url && /^https?:$/.test(url.protocol) ? url.href.replace(/[()]/g, encodeURIComponent) : undefined;
  }

  private code(node: PageNode): string {
    const text = rawText(node).replace(/^\n|\s+$/g, "");
    if (!this.isMarkdown || text === "") return text;
    const inner = node.children.find(({ tag }) => tag === "code") ?? node;
    const language = /\blang(?:uage)?-([\w+#-]{1,20})/.exec(inner.attributes.class ?? "")?.[1] ?? "";
    const fence = text.includes("```") ? "````" : "```";
    return `${fence}${language}\n${text}\n${fence}`;
  }

  private list(node: PageNode, takesAll: boolean): string {
    let number = Number.parseInt(node.attributes.start ?? "1", 10) || 1;
    const items = node.children.filter(({ tag }) => tag !== "");
    const lines = items.map((item) => {
      const text = this.block(item, takesAll).replace(/\n{2,}/g, "\n");
      if (text === "") return "";
      const mark = node.tag === "ol" ? `${number++}. ` : "- ";
      return this.isMarkdown ? mark + text.replace(/\n/g, `\n${" ".repeat(mark.length)}`) : text;
    });
    return lines.filter((line) => line !== "").join("\n");
  }

  private table(node: PageNode): string {
    const rows = rowsOf(node).map(({ children }) =>
      children
        .filter(({ tag }) => tag === "td" || tag === "th")
        .map((cell) =>
          this.block(cell)
            .replace(/\s*\n\s*/g, " ")
            .replaceAll("|", "\\|"),
        ),
    );
    if (!this.isMarkdown) return rows.map((cells) => cells.join("\t")).join("\n");
    const [head = [], ...rest] = rows.map((cells) => `| ${cells.join(" | ")} |`);
    return [head, `|${" --- |".repeat(rows[0]?.length ?? 0)}`, ...rest].join("\n");
  }
}

/** Stands for a line break until blanks have been put together. */
const BREAK = "\u0001";

function holdsBlocks(node: PageNode): boolean {
  if (BLOCKS.has(node.tag)) return true;
  // Links and spans around whole blocks.
  return node.children.some((child) => child.tag !== "" && BLOCKS.has(child.tag));
}

const rawText = ({ tag, text, children }: PageNode): string =>
  tag === "br" ? "\n" : text + children.map(rawText).join("");

function rowsOf(table: PageNode): PageNode[] {
  return table.children.flatMap((child) =>
    child.tag === "tr"
      ? [child]
      : /^(?:thead|tbody|tfoot)$/.test(child.tag)
        ? child.children.filter(({ tag }) => tag === "tr")
        : [],
  );
}
