import { createHash } from "node:crypto";

/** The entry page as it is sent. */
export interface Page {
  html: string;
  /** Sources for a content security policy that admit the page's own inline scripts: `'sha256-…'`. */
  scripts: string[];
  /** What the page calls its build, if it does: addresses that carry it never change their meaning. */
  buildId?: string;
}

/**
 * Makes an `index.html` fit for any address below the base path: the base path is written on the root element and
 * relative addresses are made absolute, since the same page answers for every view. Nothing that people can set is
 * written into it, so that there is nothing to escape (CVE-2026-27009).
 * @param basePath empty, or with a slash in front and none behind
 */
export function makePage(source: string, { basePath, terminal }: { basePath: string; terminal: boolean }): Page {
  const buildId = /<html\b[^>]*\sdata-openclaw-control-ui-build-id="([\w.+-]{1,200})"/.exec(source)?.[1];
  const version = buildId === undefined ? "" : `?v=${buildId}`;
  const facts = `data-openclaw-control-ui-base-path="${attribute(basePath)}" data-openclaw-terminal-enabled="${terminal}"`;
  const html = source
    .replace(/<html\b/, (start) => `${start} ${facts}`)
    .replace(/(<(?:link|script|img)\b[^>]*\s(?:href|src)=")\.\/([^"?#]+)"/g, (_all, start: string, path: string) => {
      // Assets carry their version in their names.
      return `${start}${attribute(basePath)}/${path}${path.startsWith("assets/") ? "" : version}"`;
    });
  return { html, scripts: inlineScripts(html).map(sourceHash), ...(buildId !== undefined && { buildId }) };
}

/** The texts of the scripts that a page holds itself. */
function inlineScripts(html: string): string[] {
  return [...html.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/gi)]
    .filter(([, attributes = ""]) => !/\ssrc\s*=/i.test(attributes))
    .map(([, , text = ""]) => text);
}

const sourceHash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const attribute = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
