import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "../build.ts";
import { exercise } from "../exercise/inside.ts";
import type { Gate, GateContext } from "../gate/run.ts";

const USAGE = `arguments of the gate:
  --root DIR   a Debian 11 root that is there already, or is made there and kept`;

/** glibc of Ubuntu 20.04, the oldest system that is promised. */
const GLIBC = "2.31";

export const gate: Gate = {
  name: "glibc",
  summary: `The built executable in a Debian 11 root, which has the glibc of Ubuntu 20.04 (${GLIBC})`,
  async run(context) {
    const at = context.args.indexOf("--root");
    if (context.args.length > 0 && (at !== 0 || context.args.length !== 2)) throw new Error(USAGE);
    const kept = at === 0 ? context.args[1] : undefined;
    await context.step("tools", () => requireTools(context));
    const executable = join(context.out, "chela");
    await context.step("build", () => build({ outfile: executable, progress: context.log }));
    const root = kept ?? mkdtempSync(join(tmpdir(), "chela-glibc-"));
    try {
      await context.step("Debian 11 root", () => makeRoot(context, root));
      await context.step(`has glibc ${GLIBC}`, async () => {
        const said = await context.exec(["chroot", root, "ldd", "--version"]);
        if (!said.includes(` ${GLIBC}`)) throw new Error(said.split("\n")[0]);
      });
      mkdirSync(join(root, "opt"), { recursive: true });
      copyFileSync(executable, join(root, "opt", "chela"));
      const command = ["chroot", root, "/opt/chela"];
      await exercise(context, {
        command,
        gateway: [...command, "gateway", "run"],
        env: { HOME: "/root", PATH: process.env.PATH ?? "" },
        stateDir: join(root, "root", ".openclaw"),
      });
    } finally {
      await leave(context, root, kept === undefined);
    }
  },
};

async function requireTools(context: GateContext): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("this gate changes roots and mounts, so it needs root");
  if (Bun.which("debootstrap") !== null) return;
  await context.exec(["apt-get", "update"]);
  await context.exec(["apt-get", "install", "-y", "--no-install-recommends", "debootstrap"]);
}

/** Bun ends at once where there is no `/proc`. */
async function makeRoot(context: GateContext, root: string): Promise<void> {
  if (!existsSync(join(root, "etc", "debian_version"))) {
    await context.exec(["debootstrap", "--variant=minbase", "bullseye", root], { timeoutMs: 600_000 });
  }
  if (!isMounted(join(root, "proc"))) await context.exec(["mount", "-t", "proc", "proc", join(root, "proc")]);
}

const isMounted = (path: string): boolean => readFileSync("/proc/mounts", "utf8").includes(` ${path} `);

/** Unmounts first, and removes nothing while anything is mounted below. */
async function leave(context: GateContext, root: string, remove: boolean): Promise<void> {
  if (isMounted(join(root, "proc"))) await context.exec(["umount", join(root, "proc")]);
  if (!remove) return;
  if (readFileSync("/proc/mounts", "utf8").includes(` ${root}/`))
    throw new Error(`something is still mounted in ${root}`);
  await context.exec(["rm", "-rf", "--one-file-system", root]);
}
