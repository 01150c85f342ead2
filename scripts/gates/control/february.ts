import { clean, must, shot, type Walk } from "./walk.ts";

/** The views of February's page, and what must stand in them. It has the methods of each view in no list. */
const VIEWS: Readonly<Record<string, { methods: readonly string[]; shows: RegExp }>> = {
  "/overview": { methods: ["status", "health", "cron.status", "system-presence"], shows: /Gateway Access/ },
  "/instances": { methods: ["system-presence"], shows: /Connected Instances/ },
  "/sessions": { methods: ["sessions.list"], shows: /agent:main:main/ },
  "/cron": { methods: ["cron.list", "cron.status"], shows: /New Job/ },
  "/agents": { methods: ["agents.list", "config.get"], shows: /main/ },
  "/nodes": { methods: ["node.list", "device.pair.list", "exec.approvals.get"], shows: /Exec approvals/ },
  "/logs": { methods: ["logs.tail"], shows: /Gateway file logs/ },
};

/** A shorter walk with the page of 2026.2.17, which speaks wire version 3. */
export async function walkFebruary(walk: Walk): Promise<void> {
  const { context, watched, origin, token } = walk;
  const { page } = watched;
  const part = (name: string, work: () => Promise<void>) =>
    context.check(`2026.2.17: ${name}`, () => clean(watched, work));
  const composer = page.getByPlaceholder(/^Message/);

  await part("the page opens and connects", async () => {
    await page.goto(`${origin}/#token=${token}`);
    await composer.waitFor();
    await watched.settled(["connect", "chat.history", "sessions.list"]);
    must(!page.url().includes(token), "the token stays in the address");
  });
  await part("a message is answered", async () => {
    await composer.fill("SLOW:50 seven eight nine");
    await page.keyboard.press("Enter");
    await page.getByText("echo: seven eight nine").first().waitFor();
    await watched.settled(["chat.send"]);
  });
  await shot(walk, "february");
  await part("the page stays logged in when it is loaded again, and shows the conversation", async () => {
    await page.reload();
    await page.getByText("echo: seven eight nine").first().waitFor();
  });
  for (const [path, { methods, shows }] of Object.entries(VIEWS)) {
    await part(path, async () => {
      const before = new Map(watched.answered);
      await page.goto(`${origin}${path}`);
      await watched.settled(methods, before);
      const text = await watched.text("main");
      must(shows.test(text), `${shows} is not in it: ${text.slice(0, 300)}`);
    });
  }
}
