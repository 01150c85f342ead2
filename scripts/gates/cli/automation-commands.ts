import { type Commands, must, only, type Side } from "./sides.ts";
import type { UpstreamCli } from "./upstream.ts";

const NAME = "gate job";

/** The id of the job that the commands work on. */
function jobOf({ kept }: Side): string {
  const id = kept.get("job");
  must(id, "there is no job");
  return id;
}

// biome-ignore lint/suspicious/noExplicitAny: jobs are looked into freely
async function jobNow(cli: UpstreamCli, side: Side): Promise<any> {
  return cli.json("cron", "get", jobOf(side));
}

/** What happens by itself: cron jobs, heartbeats, system events, tasks. */
export const automationCommands: Commands = [
  ["cron status", async (cli) => only(await cli.json("cron", "status"), "enabled", "storage")],
  [
    "cron add",
    async (cli, { kept }) => {
      const words = [
        "--name",
        NAME,
        "--every",
        "1h",
        "--message",
        "hi from cron",
        "--session",
        "isolated",
        "--no-deliver",
      ];
      const job = await cli.json("cron", "add", ...words);
      kept.set("job", job.id);
      return job;
    },
  ],
  [
    "cron list",
    async (cli) => {
      const { jobs } = await cli.json("cron", "list");
      const job = jobs.find(({ name }: { name: string }) => name === NAME);
      must(job, jobs);
      return job;
    },
  ],
  ["cron get", jobNow],
  ["cron get (unknown)", async (cli) => cli.refusal("cron", "get", "no-such-job")],
  [
    "cron edit",
    async (cli, side) => {
      await cli.json("cron", "edit", jobOf(side), "--every", "2h", "--message", "changed");
      const job = await jobNow(cli, side);
      must(job.schedule.everyMs === 7_200_000 && job.payload.message === "changed", job);
      return job;
    },
  ],
  [
    "cron disable",
    async (cli, side) => {
      await cli.text("cron", "disable", jobOf(side));
      return only(await jobNow(cli, side), "enabled");
    },
  ],
  [
    "cron enable",
    async (cli, side) => {
      await cli.text("cron", "enable", jobOf(side));
      return only(await jobNow(cli, side), "enabled");
    },
  ],
  [
    "cron run --wait",
    async (cli, side) => {
      const run = JSON.parse(await cli.text("cron", "run", jobOf(side), "--wait"));
      must(run.ok && run.completed && run.status === "ok", run);
      return only(run, "ok", "enqueued", "completed", "status");
    },
  ],
  [
    "cron runs",
    async (cli, side) => {
      const { entries, total } = JSON.parse(await cli.text("cron", "runs", "--id", jobOf(side)));
      must(entries[0].summary === "echo: changed", entries[0]);
      return { total, entry: only(entries[0], "action", "status", "summary", "provider", "model", "deliveryStatus") };
    },
  ],
  ["cron rm", async (cli, side) => cli.json("cron", "rm", jobOf(side))],
  ["cron rm (unknown)", async (cli, side) => (await cli.run("cron", "rm", jobOf(side), "--json")).code],
  ["system heartbeat last", async (cli) => cli.json("system", "heartbeat", "last")],
  ["system heartbeat disable", async (cli) => cli.json("system", "heartbeat", "disable")],
  ["system heartbeat enable", async (cli) => cli.json("system", "heartbeat", "enable")],
  [
    "system event",
    async (cli) => cli.json("system", "event", "--text", "something happened", "--mode", "next-heartbeat"),
  ],
  ["tasks list (its own store)", async (cli) => cli.json("tasks", "list")],
  [
    "gateway call tasks.list",
    async (cli) => {
      const { tasks } = await cli.json("gateway", "call", "tasks.list");
      must(Array.isArray(tasks) && tasks.length > 0, "the runs of agents are not there");
    },
  ],
  [
    "audit",
    async (cli) => {
      const { events } = await cli.json("audit", "--limit", "2");
      return events.map((event: Line) => only(event, "kind", "action", "status", "actor", "redaction", "agentId"));
    },
  ],
];

interface Line {
  kind: string;
  action: string;
  status: string;
  actor: object;
  redaction: string;
  agentId: string;
}
