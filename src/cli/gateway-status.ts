import { configPaths } from "../config/paths.ts";
import { COMPATIBLE_VERSION } from "../protocol/version.ts";
import { withGateway } from "./call.ts";
import { EXIT, type Invocation } from "./command.ts";
import { GatewayCallFailure } from "./failure.ts";
import { type Io, writeJson } from "./io.ts";
import { chooseTarget, loadConfig, type Target } from "./target.ts";

/** What a connection test found; the fields of upstream's `rpc`. */
interface Rpc {
  ok: boolean;
  kind: "connect" | "read";
  url: string;
  capability?: string;
  auth?: { role: string; scopes: string[] };
  server?: { version: string; connId: string };
  version?: string;
  error?: string;
}

/** Shows where the gateway is and whether it lets us in. Exit code 0, with `--require-rpc` 1 when it does not. */
export async function run({ options, io, env }: Invocation): Promise<number> {
  const timeoutMs = options.integer("timeout", { min: 1 })!;
  const target = await chooseTarget(options, env, { fromEnvironment: false });
  const needsRpc = options.flag("require-rpc");
  const rpc = options.flag("no-probe") ? undefined : await probe(target, timeoutMs, needsRpc);
  const paths = configPaths(env);
  const config = await loadConfig(env);
  const { bind, port } = config.current.gateway;
  const facts = { configPath: paths.path, exists: config.exists, stateDir: paths.stateDir, bind, port };
  if (options.flag("json")) writeJson(io, asJson(facts, target, rpc));
  else print(io, facts, target, rpc);
  return needsRpc && !rpc?.ok ? EXIT.failed : EXIT.ok;
}

interface Facts {
  configPath: string;
  exists: boolean;
  stateDir: string;
  bind: string;
  port: number;
}

/** Says hello and no more; where an answer is required asks for `status` too, which needs a scope. */
async function probe(target: Target, timeoutMs: number, read: boolean): Promise<Rpc> {
  const { url } = target;
  const kind = read ? "read" : "connect";
  const as = read ? "backend" : "probe";
  try {
    return await withGateway(target, { timeoutMs, scopes: ["operator.read"], as }, async (connection) => {
      if (read) await connection.request("status", {}, { timeoutMs });
      const { auth, server } = connection.hello;
      const { role = "operator", scopes = [] } = auth ?? {};
      const { version = "unknown", connId = "" } = server ?? {};
      const capability =
        scopes.length === 0
          ? "connected_no_operator_scope"
          : scopes.includes("operator.admin")
            ? "admin_capable"
            : "read_only";
      return { ok: true, kind, url, capability, auth: { role, scopes }, server: { version, connId }, version };
    });
  } catch (error) {
    if (error instanceof GatewayCallFailure) return { ok: false, kind, url, error: error.message };
    throw error;
  }
}

function asJson({ configPath, exists, bind, port, stateDir }: Facts, target: Target, rpc: Rpc | undefined): object {
  return {
    cli: { version: COMPATIBLE_VERSION, entrypoint: process.execPath },
    config: { cli: { path: configPath, exists, valid: true } },
    stateDir,
    gateway: { bindMode: bind, port, probeUrl: target.url, version: rpc?.version ?? null },
    ...(rpc && { rpc }),
  };
}

function print(
  io: Io,
  { configPath, exists, bind, port, stateDir }: Facts,
  target: Target,
  rpc: Rpc | undefined,
): void {
  io.out(`Config: ${configPath}${exists ? "" : " (not there; defaults apply)"}`);
  io.out(`State: ${stateDir}`);
  io.out(`Gateway: bind=${bind}, port=${port}`);
  io.out(`Probe target: ${target.url} (${target.source})`);
  if (!rpc) return;
  io.out(`Connectivity probe: ${rpc.ok ? "ok" : "failed"}`);
  if (rpc.ok) io.out(`Gateway version: ${rpc.version}\nCapability: ${rpc.capability?.replaceAll("_", "-")}`);
  else io.out(`  ${rpc.error}`);
}
