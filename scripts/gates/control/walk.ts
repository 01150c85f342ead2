import { join } from "node:path";
import type { Page } from "playwright-core";
import type { GateContext } from "../../gate/run.ts";
import type { WatchedPage } from "./browser.ts";
import {
  askAssistant,
  connectNode,
  editChannel,
  navigation,
  openTabs,
  settingsForms,
  switchPlugin,
  TABBED,
  watchTexts,
} from "./everyday.ts";
import { VIEWS, type View } from "./views.ts";

/** Who walks where. */
export interface Walk {
  context: GateContext;
  watched: WatchedPage;
  /** `http://127.0.0.1:port` */
  origin: string;
  token: string;
}

/** Goes through upstream's current page as a person would. Each part fails on any error that is shown or reported. */
export async function walkCurrent(walk: Walk): Promise<void> {
  const { context, watched, origin, token } = walk;
  const { page } = watched;
  const part = (name: string, work: () => Promise<void>) =>
    context.check(`2026.9.6: ${name}`, () => clean(watched, work));

  await part("the page opens and connects", async () => {
    await page.goto(`${origin}/#token=${token}`);
    await composer(page).waitFor();
    await watched.settled(["connect", "chat.startup"]);
    must(!page.url().includes(token), "the token stays in the address");
  });
  await part("a message is answered, piece by piece", async () => {
    const seen = await watchTexts(page, "echo: one");
    await say(page, "SLOW:150 one two three four five six");
    await page.getByText("echo: one two three four five six").first().waitFor();
    await watched.settled(["chat.send"]);
    const pieces = await seen();
    must(pieces.length > 2, `it came in ${pieces.length} pieces: ${pieces.join(" | ")}`);
  });
  await shot(walk, "chat");
  await part("the page stays logged in when it is loaded again, and shows the conversation", async () => {
    await page.reload();
    await page.getByText("echo: one two three four five six").first().waitFor();
    await watched.settled();
  });
  await part("a session is opened out of the list", async () => {
    await page.goto(`${origin}/sessions`);
    await page.locator("a.session-link", { hasText: "agent:main:main" }).click();
    await page.getByText("echo: one two three four five six").first().waitFor();
    await watched.settled();
  });
  await part("a setting is edited and saved", () => editSetting(walk));
  await part("an automation is added, run, looked at and removed", () => automation(walk));
  await part("a provider is switched off and on again among the plugins", () => switchPlugin(walk));
  await part("a setting of a channel is changed in its form", () => editChannel(walk));
  await part("every setting is drawn with its name", () => settingsForms(walk));
  await part("the setup assistant answers", () => askAssistant(walk));
  const node = await connectNode(walk);
  for (const view of VIEWS) await part(view.path, () => visit(walk, view));
  for (const path of Object.keys(TABBED)) await part(`${path}, tab by tab`, () => openTabs(walk, path));
  node.close();
  const linked = await context.step("2026.9.6: find the views that the navigation leads to", () => navigation(walk));
  for (const path of linked.filter((path) => !VIEWS.some((view) => view.path === path))) {
    await part(path, () => visit(walk, { path, methods: [], shows: /\S/ }));
  }
  for (const what of watched.allRefused()) context.log(`refused: ${what}`);
  await context.check("2026.9.6: the page calls no method that is unknown here", () => {
    const unknown = watched.unknownMethods();
    must(unknown.length === 0, unknown.join(", "));
  });
  for (const name of ["sessions", "automations", "usage"]) {
    await page.goto(`${origin}/${name}`);
    await shot(walk, name);
  }
}

/** Fails when anything went wrong in the page meanwhile. */
export async function clean(watched: WatchedPage, work: () => Promise<void>): Promise<void> {
  await watched.trouble();
  await work();
  const trouble = await watched.trouble();
  must(trouble.length === 0, trouble.join("; "));
}

async function visit({ watched, origin }: Walk, { path, methods, shows }: View): Promise<void> {
  const before = new Map(watched.answered);
  await watched.page.goto(`${origin}${path}`);
  await watched.settled(methods, before);
  const text = await watched.text();
  must(shows.test(text), `${shows} is not in it: ${text.slice(0, 300)}`);
}

async function editSetting({ watched, origin }: Walk): Promise<void> {
  const { page } = watched;
  const zone = page.getByLabel("User Timezone");
  const before = new Map(watched.answered);
  await page.goto(`${origin}/settings/ai-agents`);
  await zone.fill("Europe/Berlin");
  await zone.blur();
  await watched.settled(["config.set"], before);
  await page.reload();
  must((await zone.inputValue()) === "Europe/Berlin", "it is gone after a reload");
  await watched.settled();
}

async function automation({ context, watched, origin }: Walk): Promise<void> {
  const { page } = watched;
  const before = new Map(watched.answered);
  await page.goto(`${origin}/automations`);
  await page.getByRole("button", { name: "New automation" }).click();
  await page.getByPlaceholder("Describe what OpenClaw should do...").fill("say what time it is");
  await page.getByPlaceholder("Morning brief").fill("Gate job");
  await page.getByRole("button", { name: "Create automation" }).click();
  await watched.settled(["cron.add"], before);
  await page.getByRole("button", { name: "Run now: Gate job" }).click();
  await watched.settled(["cron.run"], before);
  await page.locator("button.cron-table__name", { hasText: "Gate job" }).click();
  await page
    .getByRole("tab", { name: "Run history" })
    .or(page.getByText("Run history", { exact: true }))
    .first()
    .click();
  await page.getByText("echo: say what time it is").first().waitFor();
  await page.screenshot({ path: join(context.out, "automation.png") });
  await page.goto(`${origin}/automations`);
  await page.getByRole("button", { name: "More actions for Gate job" }).click();
  await page.locator(".cron-job-menu__item", { hasText: "Remove" }).click();
  await page
    .getByRole("button", { name: /^Remove/ })
    .last()
    .click();
  await watched.settled(["cron.remove"], before);
  must((await page.getByText("Gate job").count()) === 0, "it is still listed");
}

const composer = (page: Page) => page.getByRole("textbox", { name: "Chat composer" });

async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await page.keyboard.press("Enter");
}

export const shot = ({ context, watched }: Walk, name: string): Promise<unknown> =>
  watched.page.screenshot({ path: join(context.out, `${name}.png`) });

export function must(condition: unknown, what: string): void {
  if (!condition) throw new Error(what);
}
