import { must, type Walk } from "./walk.ts";

/**
 * Attack 1 (CVE-2026-25253): a link to the page that names another gateway must neither open a connection there nor
 * send it anything before a person agrees. The other gateway is a listener that notes who comes.
 */
export async function checkGatewayUrl({ context, watched, origin }: Walk): Promise<void> {
  await context.check("attack 1: a link that names another gateway connects nowhere by itself", async () => {
    const visits: string[] = [];
    const other = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch(request) {
        visits.push(`${request.method} ${request.url}`);
        return new Response("no", { status: 404 });
      },
    });
    try {
      const { page } = watched;
      const address = encodeURIComponent(`ws://127.0.0.1:${other.port}/`);
      const before = new Map(watched.answered);
      await page.goto(`${origin}/?gatewayUrl=${address}`);
      await page.getByRole("button", { name: /Switch to|Confirm/ }).waitFor();
      await watched.settled(["connect"], before);
      must(!watched.sockets.has(`127.0.0.1:${other.port}`), "it opened a socket");
      must(visits.length === 0, `it came: ${visits.join(", ")}`);
    } finally {
      await other.stop(true);
    }
  });
}
