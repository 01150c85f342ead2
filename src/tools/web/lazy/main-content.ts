import type { PageNode } from "./page-tree.ts";

/** What was counted of an element and all within it. */
interface Weight {
  chars: number;
  linkChars: number;
  score: number;
}

const AROUND = new Set(["nav", "aside", "footer"]);
const PARAGRAPHS = new Set(["p", "pre", "blockquote", "li", "td", "dd"]);
const GOOD = /article|body|content|entry|main|page|post|text|story/i;
const BAD =
  /banner|breadcrumb|combx|comment|community|cookie|disqus|foot|menu|modal|nav|pager|popup|promo|related|share|sidebar|social|sponsor|toolbar/i;
/** Less text is no article. */
const LEAST_CHARS = 140;

/**
 * The element that holds what the page is about: its `article` or `main`, else the one whose paragraphs have most text
 * and fewest links, as readers' modes of browsers choose it.
 * @returns undefined when nothing stands out; then the whole page is meant
 */
export function mainContent(body: PageNode): PageNode | undefined {
  const weights = new Map<PageNode, Weight>();
  weigh(body, weights, false);
  const all = weights.get(body)!.chars;
  const named = [...weights.keys()].filter(isNamedMain);
  const largest = best(named, (node) => weights.get(node)!.chars);
  if (largest && weights.get(largest)!.chars >= Math.max(LEAST_CHARS, all * 0.25)) return largest;
  const chosen = best([...weights.keys()], (node) => {
    const { score, chars, linkChars } = weights.get(node)!;
    return score * (1 - linkChars / Math.max(1, chars));
  });
  if (!chosen || weights.get(chosen)!.score <= 0) return undefined;
  const whole = enlarged(chosen, weights);
  return weights.get(whole)!.chars >= LEAST_CHARS ? whole : undefined;
}

const isNamedMain = ({ tag, attributes }: PageNode): boolean =>
  tag === "article" || tag === "main" || attributes.role === "main" || attributes.itemprop === "articleBody";

/** What is around the text of a page, such as menus. */
export const isAround = ({ tag, attributes }: PageNode): boolean =>
  AROUND.has(tag) || /^(?:navigation|banner|contentinfo|complementary|search)$/.test(attributes.role ?? "");

function weigh(node: PageNode, weights: Map<PageNode, Weight>, isLink: boolean): Weight {
  const weight: Weight = { chars: 0, linkChars: 0, score: named(node) };
  let own = 0;
  for (const child of node.children) {
    if (child.tag === "") {
      const { length } = child.text.trim();
      own += length;
      weight.chars += length;
      if (isLink) weight.linkChars += length;
      continue;
    }
    if (isAround(child)) continue;
    const inner = weigh(child, weights, isLink || child.tag === "a");
    weight.chars += inner.chars;
    weight.linkChars += inner.linkChars;
    if (PARAGRAPHS.has(child.tag) && inner.chars >= 25) weight.score += worth(child, inner);
    // A box within the article that holds a few paragraphs speaks for the article.
    else if (!PARAGRAPHS.has(child.tag)) weight.score += Math.max(0, inner.score) / 2;
  }
  if (own >= 80 && !PARAGRAPHS.has(node.tag)) weight.score += 1 + own / 200;
  weights.set(node, weight);
  return weight;
}

const worth = (node: PageNode, { chars, linkChars }: Weight): number =>
  (1 + Math.min(3, chars / 100) + Math.min(3, commas(node))) * (1 - linkChars / Math.max(1, chars));

const commas = ({ children }: PageNode): number =>
  children.reduce((sum, { tag, text }) => sum + (tag === "" ? text.split(/[,،、，]/).length - 1 : 0), 0);

function named({ attributes }: PageNode): number {
  const words = `${attributes.class ?? ""} ${attributes.id ?? ""}`.slice(0, 500);
  return (GOOD.test(words) ? 2 : 0) - (BAD.test(words) ? 4 : 0);
}

/** The element with what stands beside it, as long as that is mostly text. */
function enlarged(chosen: PageNode, weights: ReadonlyMap<PageNode, Weight>): PageNode {
  let whole = chosen;
  for (let above = whole.parent; above && above.tag !== "body"; above = above.parent) {
    const [inner, outer] = [weights.get(whole), weights.get(above)];
    if (!inner || !outer || outer.linkChars > outer.chars * 0.25 || outer.chars < inner.chars * 1.2) continue;
    whole = above;
  }
  return whole;
}

function best(nodes: readonly PageNode[], rate: (node: PageNode) => number): PageNode | undefined {
  let found: PageNode | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (const node of nodes) {
    const rated = rate(node);
    if (rated > most) [found, most] = [node, rated];
  }
  return found;
}
