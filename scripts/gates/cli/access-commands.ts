import { type Commands, must, only, type Side, without } from "./sides.ts";

/** A device that `acp`, `mcp serve` or `tui` has paired silently. */
function deviceOf({ kept }: Side): string {
  const id = kept.get("device");
  must(id, "there is no device");
  return id;
}

/** Devices and approvals. */
export const accessCommands: Commands = [
  [
    "devices list",
    async (cli, { kept }) => {
      const { paired, pending } = await cli.json("devices", "list");
      must(paired.length === 1, paired);
      kept.set("device", paired[0].deviceId);
      return {
        pending,
        paired: paired.map((device: object) => only(device as Paired, "platform", "role", "roles", "approvedVia")),
      };
    },
  ],
  [
    "devices rename",
    async (cli, side) => cli.json("devices", "rename", "--device", deviceOf(side), "--name", "Gate device"),
  ],
  [
    "devices rotate",
    async (cli, side) => {
      const answer = await cli.json("devices", "rotate", "--device", deviceOf(side), "--role", "operator");
      return without(answer, "token");
    },
  ],
  [
    "devices revoke",
    async (cli, side) => cli.json("devices", "revoke", "--device", deviceOf(side), "--role", "operator"),
  ],
  ["devices remove", async (cli, side) => cli.json("devices", "remove", deviceOf(side))],
  ["devices remove (unknown)", async (cli) => cli.refusal("devices", "remove", "nope")],
  ["devices reject (unknown)", async (cli) => cli.refusal("devices", "reject", "nope")],
  ["devices approve (unknown)", async (cli) => cli.refusal("devices", "approve", "nope")],
  [
    "devices join-code (only on loopback)",
    async (cli) =>
      must((await cli.refusal("devices", "join-code")).includes("only bound to loopback"), "another refusal"),
  ],
  ["approvals pending", async (cli) => cli.json("approvals", "pending")],
  ["approvals grants list", async (cli) => cli.json("approvals", "grants", "list")],
  [
    "approvals get --gateway",
    async (cli) => only(await cli.json("approvals", "get", "--gateway"), "file", "resolvedDefaults", "effectivePolicy"),
  ],
  [
    "approvals allowlist add",
    async (cli) =>
      only(await cli.json("approvals", "allowlist", "add", "--gateway", "/usr/bin/uptime"), "exists", "file"),
  ],
  [
    "approvals allowlist remove",
    async (cli) =>
      only(await cli.json("approvals", "allowlist", "remove", "--gateway", "/usr/bin/uptime"), "exists", "file"),
  ],
  [
    "approvals resolve (unknown)",
    async (cli) => (await cli.run("approvals", "resolve", "nope", "deny", "--json")).code,
  ],
];

interface Paired {
  platform: string;
  role: string;
  roles: string[];
  approvedVia: string;
}
