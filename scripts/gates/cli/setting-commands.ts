import { type Commands, must, only } from "./sides.ts";

/** Configuration, models, channels, skills, hooks and secrets. */
export const settingCommands: Commands = [
  [
    "gateway call config.get",
    async (cli) => {
      const { config, hash, valid } = await cli.json("gateway", "call", "config.get");
      must(!JSON.stringify(config).includes("token-of-the-cli-gate"), "a secret is shown");
      must(hash.startsWith("hmac-sha256:v1:"), hash);
      return { valid, auth: config.gateway.auth };
    },
  ],
  [
    "gateway call config.patch",
    async (cli) => {
      const { hash } = await cli.json("gateway", "call", "config.get");
      const patch = (baseHash: string) =>
        JSON.stringify({ raw: JSON.stringify({ ui: { seamColor: "#112233" } }), baseHash });
      const stale = await cli.refusal("gateway", "call", "config.patch", "--params", patch("hmac-sha256:v1:stale"));
      const { ok } = await cli.json("gateway", "call", "config.patch", "--params", patch(hash));
      const { config } = await cli.json("gateway", "call", "config.get");
      must(config.ui.seamColor === "#112233", config.ui);
      return { stale, ok };
    },
  ],
  [
    "gateway call config.schema.lookup",
    async (cli) => {
      const params = JSON.stringify({ path: "gateway.auth.mode" });
      return only(await cli.json("gateway", "call", "config.schema.lookup", "--params", params), "path");
    },
  ],
  ["models list", async (cli) => cli.json("models", "list")],
  [
    "gateway call models.list",
    async (cli) => {
      const { models } = await cli.json("gateway", "call", "models.list");
      return models.map(({ provider, id, name }: Model) => ({ provider, id, name }));
    },
  ],
  [
    "channels status",
    async (cli) => {
      const status = await cli.json("channels", "status");
      return only(status, "channelOrder", "channels", "channelAccounts", "channelDefaultAccountId", "statusIssues");
    },
  ],
  [
    "channels status (text)",
    async (cli) => must((await cli.text("channels", "status")).includes("Gateway reachable."), "not reachable"),
  ],
  [
    "skills list",
    async (cli) => {
      const { skills } = await cli.json("skills", "list");
      must(Array.isArray(skills), skills);
    },
  ],
  [
    "hooks list",
    async (cli) => {
      const { hooks } = await cli.json("hooks", "list");
      must(Array.isArray(hooks), hooks);
    },
  ],
  ["secrets reload", async (cli) => cli.json("secrets", "reload")],
];

interface Model {
  provider: string;
  id: string;
  name: string;
}
