import { join } from "node:path";
import type { Page } from "playwright-core";
import { nodeSpec, TestClient } from "../../../src/gateway/testing.ts";
import { must, type Walk } from "./walk.ts";

/** Notes every text of the page that begins so, as it grows. Returns what gives those that were seen. */
export async function watchTexts(page: Page, start: string): Promise<() => Promise<string[]>> {
  const watch = (await Bun.file(join(import.meta.dir, "seen-texts.js")).text()).trim().replace(/;$/, "");
  await page.evaluate(`globalThis.seenTexts = (${watch}\n)(${JSON.stringify(start)})`);
  return () => page.evaluate<string[]>("globalThis.seenTexts.seen");
}

/** The paths that the links of the sidebars lead to, those of the page's own host alone. */
export async function navigation({ watched, origin }: Walk): Promise<string[]> {
  const paths = new Set<string>();
  for (const start of ["/agents", "/settings/connection"]) {
    await watched.page.goto(`${origin}${start}`);
    await watched.settled();
    const links: string[] = [];
    for (const link of await watched.page.getByRole("link").all()) {
      const href = await link.getAttribute("href");
      if (href) links.push(href);
    }
    for (const link of links) {
      const url = new URL(link, `${origin}/`);
      if (url.origin === origin) paths.add(url.pathname);
    }
  }
  must(paths.size > 25, `it leads to ${paths.size} views only: ${[...paths].join(", ")}`);
  await watched.trouble();
  return [...paths].sort();
}

/** Switches a provider off and on in its own view, and looks that the list says so. */
export async function switchPlugin({ watched, origin }: Walk): Promise<void> {
  const { page } = watched;
  const before = new Map(watched.answered);
  await page.goto(`${origin}/settings/plugins/cerebras`);
  await page.getByRole("button", { name: "Disable Cerebras" }).click();
  await watched.settled(["plugins.list", "plugins.setEnabled"], before);
  const between = new Map(watched.answered);
  await page.reload();
  await page.getByRole("button", { name: "Enable Cerebras" }).click();
  await watched.settled(["plugins.setEnabled"], between);
  await page.getByRole("button", { name: "Disable Cerebras" }).waitFor();
}

/** Changes a setting of a channel in its form, and looks for it after a reload. */
export async function editChannel({ watched, origin }: Walk): Promise<void> {
  const { page } = watched;
  const open = async () => {
    await page.goto(`${origin}/settings/channels`);
    await page.getByText("Open details").first().click();
    return page.getByRole("radio", { name: "open", exact: true }).first();
  };
  const before = new Map(watched.answered);
  await (await open()).click();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await watched.settled(["config.set"], before);
  must(await (await open()).isChecked(), "it is gone after a reload");
  await watched.settled();
}

/** Views with forms of settings, and how many controls they have at least. */
const FORMS: Readonly<Record<string, number>> = {
  "/settings/communications": 10,
  "/settings/ai-agents": 9,
  "/settings/infrastructure": 15,
  "/settings/automation": 9,
  "/settings/advanced": 500,
  "/settings/talk": 8,
};

/** Looks that every setting has a control, and every control a name. */
export async function settingsForms({ context, watched, origin }: Walk): Promise<void> {
  const { page } = watched;
  for (const [path, least] of Object.entries(FORMS)) {
    await page.goto(`${origin}${path}`);
    await page.getByRole("switch").or(page.getByRole("radiogroup")).first().waitFor();
    await watched.settled();
    const tree = await page.locator("body").ariaSnapshot();
    const controls = tree.match(/^\s*- (textbox|switch|combobox|spinbutton|checkbox|radiogroup)\b.*$/gm) ?? [];
    const nameless = controls.filter((control) => !control.includes('"'));
    context.log(`${path}: ${controls.length} controls`);
    must(controls.length >= least, `${path} has ${controls.length} controls`);
    must(nameless.length === 0, `${path} has controls without a name: ${nameless.join(", ")}`);
  }
}

/** Says something to the gateway's own assistant, which answers with the model. */
export async function askAssistant({ watched, origin }: Walk): Promise<void> {
  const { page } = watched;
  const before = new Map(watched.answered);
  await page.goto(`${origin}/custodian`);
  await watched.settled(["openclaw.chat"], before);
  const box = page.getByRole("textbox").last();
  await box.fill("what can you do");
  await page.keyboard.press("Enter");
  await page.getByText("echo: what can you do").first().waitFor();
  await watched.settled();
}

/** A node that is connected while the page shows nodes. */
export async function connectNode({ origin, token }: Walk): Promise<TestClient> {
  const client = await TestClient.open(origin.replace("http:", "ws:"));
  const spec = nodeSpec();
  await client.hello({ ...spec, auth: { token }, client: { ...spec.client, displayName: "Gate node" } });
  return client;
}

/** Views with tabs of their own, at least so many. */
export const TABBED: Readonly<Record<string, number>> = {
  "/settings/memory": 4,
  "/settings/communications": 3,
  "/settings/infrastructure": 5,
  "/settings/agents": 7,
  "/settings/plugins": 2,
  "/settings/automation": 4,
  "/settings/ai-agents": 4,
  "/settings/appearance": 2,
  "/settings/security": 2,
  "/automations": 4,
};

/** Opens each tab of a view. */
export async function openTabs({ watched, origin }: Walk, path: string): Promise<void> {
  const { page } = watched;
  await page.goto(`${origin}${path}`);
  await page
    .getByRole("tab")
    .nth(TABBED[path]! - 1)
    .waitFor();
  await watched.settled();
  const names = await page.getByRole("tab").allInnerTexts();
  for (const name of names) {
    await page.getByRole("tab", { name: name.trim(), exact: true }).click();
    await watched.settled();
    const trouble = await watched.trouble();
    must(trouble.length === 0, `${name}: ${trouble.join("; ")}`);
  }
}
