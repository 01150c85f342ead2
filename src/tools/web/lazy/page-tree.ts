import { setImmediate as nextTurn } from "node:timers/promises";
import { Parser } from "htmlparser2";

/** An element of a page, or a text of it. */
export interface PageNode {
  /** In lower case; empty for a text. */
  tag: string;
  text: string;
  attributes: Readonly<Record<string, string>>;
  children: PageNode[];
  parent: PageNode | undefined;
}

export interface PageTree {
  body: PageNode;
  title: string | undefined;
}

/** Bounds of what is kept of one page. */
export interface PageBounds {
  /** Elements and texts; what comes beyond is left out. */
  pageNodes: number;
  /** Elements within elements; deeper ones count as part of the deepest that is kept. */
  pageDepth: number;
}

/** What is no text for readers. */
const DROPPED = new Set(
  "title script style noscript template svg math canvas iframe object embed audio video form button input select textarea dialog head".split(
    " ",
  ),
);

/**
 * Reads a page into a tree without what readers do not see: scripts, forms, and what is hidden, where orders to machines
 * are put. Takes time in proportion to the length of the page, whatever it holds, and lets others have their turn.
 */
export async function readPageTree(html: string, { pageNodes, pageDepth }: PageBounds): Promise<PageTree> {
  const body: PageNode = { tag: "body", text: "", attributes: {}, children: [], parent: undefined };
  const open: { node: PageNode | undefined; tag: string }[] = [];
  let here = body;
  let depth = 0;
  let dropped = 0;
  let nodes = 0;
  let title: string | undefined;
  let isTitle = false;
  const parser = new Parser(
    {
      onopentag(tag, attributes) {
        if (tag === "title") isTitle = title === undefined;
        const isDropped = dropped > 0 || DROPPED.has(tag) || isHidden(attributes);
        if (isDropped) dropped++;
        const isKept = !isDropped && tag !== "html" && tag !== "body" && depth < pageDepth && nodes < pageNodes;
        const node = isKept ? { tag, text: "", attributes, children: [], parent: here } : undefined;
        if (node) {
          here.children.push(node);
          here = node;
          depth++;
          nodes++;
        }
        open.push({ node, tag });
      },
      ontext(text) {
        if (isTitle) title = (title ?? "") + text;
        if (dropped > 0 || nodes >= pageNodes) return;
        const last = here.children.at(-1);
        if (last?.tag === "") last.text += text;
        else {
          here.children.push({ tag: "", text, attributes: {}, children: [], parent: here });
          nodes++;
        }
      },
      onclosetag(tag) {
        if (tag === "title") isTitle = false;
        const closed = open.pop();
        if (closed?.node) {
          here = closed.node.parent ?? body;
          depth--;
        } else if (dropped > 0) dropped--;
      },
    },
    { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true },
  );
  for (let at = 0; at < html.length && open.length < MOST_OPEN; at += PIECE) {
    parser.write(html.slice(at, at + PIECE));
    await nextTurn();
  }
  parser.end();
  return { body, title: title?.replace(/\s+/g, " ").trim() || undefined };
}

/** Characters that are read at once. */
const PIECE = 32_768;
/** A page with more elements within each other is no page; reading on would cost more with each of them. */
const MOST_OPEN = 5000;

/** Whether a page says that something is not to be seen. */
function isHidden({ hidden, style = "", "aria-hidden": aria }: Record<string, string>): boolean {
  if (hidden !== undefined || aria === "true") return true;
  return /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)|font-size\s*:\s*0)/i.test(
    style.slice(0, 1000),
  );
}
