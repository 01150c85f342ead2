import { chownSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "../build.ts";
import { CONTAINER_USER, makeRootfs } from "../container/rootfs.ts";
import { exercise } from "../exercise/inside.ts";
import type { Gate, GateContext } from "../gate/run.ts";

/** Needs neither a daemon nor kernel modules: works inside a virtual machine or another container. */
const BUILDAH = ["buildah", "--storage-driver", "vfs"];
const IMAGE = "localhost/chela:gate";

export const gate: Gate = {
  name: "container",
  summary: "The container image: from scratch, not root, a volume, a health check; built and started with buildah",
  async run(context) {
    await context.step("tools", () => requireTools(context));
    const executable = join(context.root, "dist", "chela");
    await context.step("build the executable", () => build({ outfile: executable, progress: context.log }));
    const rootfs = join(context.root, "out", "rootfs");
    const data = mkdtempSync(join(tmpdir(), "chela-data-"));
    chownSync(data, CONTAINER_USER.uid, CONTAINER_USER.gid);
    let container: string | undefined;
    try {
      const files = await context.step("lay out the root", () => makeRootfs(executable, rootfs));
      await context.step("build the image", () => buildImage(context));
      const config = await context.step("inspect the image", () => inspect(context));
      container = (await context.exec([...BUILDAH, "from", IMAGE])).trim();
      await context.check("holds nothing else", () => checkFiles(context, container!, files));
      // On /data itself buildah would mount a volume of its own.
      const volume = `${data}:/data/.openclaw`;
      const run = [...BUILDAH, "run", "--isolation", "chroot", "--network", "host", "-v", volume, container, "--"];
      await exercise(context, {
        command: [...run, ...config.Entrypoint],
        gateway: [...run, ...config.Entrypoint, ...config.Cmd],
        env: process.env as Record<string, string>,
        stateDir: data,
        owner: CONTAINER_USER,
        descendant: "chela",
      });
      await context.check("runs as its user, and owns what it wrote", () => checkOwner(data));
    } finally {
      if (container !== undefined) await context.exec([...BUILDAH, "rm", container]);
      await context.exec([...BUILDAH, "rmi", "--force", IMAGE]).catch((error) => context.log(String(error)));
      for (const path of [data, rootfs]) rmSync(path, { recursive: true, force: true });
    }
  },
};

async function requireTools(context: GateContext): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("buildah's chroot isolation needs root");
  if (Bun.which("buildah") !== null) return;
  await context.exec(["apt-get", "update"]);
  await context.exec(["apt-get", "install", "-y", "--no-install-recommends", "buildah"]);
}

/** Builds the stage that takes a root from `out/rootfs`, so that no image has to be pulled. Docker's format knows health checks. */
function buildImage(context: GateContext): Promise<string> {
  const options = ["--isolation", "chroot", "--format", "docker", "--target", "prepared"];
  return context.exec([...BUILDAH, "bud", ...options, "-t", IMAGE, "-f", "Dockerfile", "."], { timeoutMs: 300_000 });
}

interface ImageConfig {
  User: string;
  Env: string[];
  Cmd: string[];
  Entrypoint: string[];
  Volumes: Record<string, unknown>;
  ExposedPorts: Record<string, unknown>;
  Healthcheck?: { Test: string[] };
}

async function inspect(context: GateContext): Promise<ImageConfig> {
  const text = await context.exec([...BUILDAH, "inspect", "--type", "image", IMAGE]);
  const { Docker } = JSON.parse(text) as { Docker: { config: ImageConfig; rootfs: { diff_ids: string[] } } };
  const { config } = Docker;
  const wrong: string[] = [];
  if (config.User !== `${CONTAINER_USER.uid}:${CONTAINER_USER.gid}`) wrong.push(`user ${config.User}`);
  if (!("/data" in (config.Volumes ?? {}))) wrong.push("no volume /data");
  if (!("18789/tcp" in (config.ExposedPorts ?? {}))) wrong.push("port 18789 is not exposed");
  if (config.Healthcheck?.Test.join(" ") !== "CMD /chela gateway health --live") wrong.push("no health check");
  if (config.Entrypoint?.join(" ") !== "/chela") wrong.push(`entry point ${config.Entrypoint}`);
  if (wrong.length > 0) throw new Error(wrong.join("; "));
  return config;
}

/** Compares the image's files with what was laid out: nothing came along unasked, and nothing raises rights. */
async function checkFiles(context: GateContext, container: string, expected: readonly string[]): Promise<void> {
  const mount = (await context.exec([...BUILDAH, "mount", container])).trim();
  try {
    const files = readdirSync(mount, { recursive: true, encoding: "utf8" }).filter((name) =>
      statSync(join(mount, name)).isFile(),
    );
    const unexpected = files.filter((name) => !expected.includes(name));
    if (unexpected.length > 0) throw new Error(`unexpected files: ${unexpected.join(", ")}`);
    const missing = expected.filter((name) => !files.includes(name));
    if (missing.length > 0) throw new Error(`missing files: ${missing.join(", ")}`);
    const raised = files.filter((name) => (statSync(join(mount, name)).mode & 0o6000) !== 0);
    if (raised.length > 0) throw new Error(`files with other rights: ${raised.join(", ")}`);
    const bytes = files.reduce((sum, name) => sum + statSync(join(mount, name)).size, 0);
    context.metric("image size", Math.round(bytes / 1e6), "MB");
    context.metric("files", files.length, "files");
  } finally {
    await context.exec([...BUILDAH, "umount", container]);
  }
}

function checkOwner(data: string): void {
  const names = readdirSync(data, { recursive: true, encoding: "utf8" });
  const wrong = names.filter((name) => statSync(join(data, name)).uid !== CONTAINER_USER.uid);
  if (names.length < 3) throw new Error(`hardly anything was written: ${names.join(", ")}`);
  if (wrong.length > 0) throw new Error(`not the container's own: ${wrong.join(", ")}`);
}
