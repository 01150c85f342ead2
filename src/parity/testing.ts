import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GatewayConfig } from "../../generated/config.ts";
import { LIMITS } from "../../generated/limits.ts";
import { logOf, startTestGateway, type TestGateway, type TestGatewayOptions } from "../gateway/testing.ts";
import { type ModelServer, startModelServer } from "./model-server.ts";
import { RECORDING_TOKEN, recordingConfig } from "./recording-config.ts";

export interface RecordedGateway {
  target: { url: string; token: string };
  gateway: TestGateway;
  models: ModelServer;
  /** Stops the gateway and starts it again on the same port and state. */
  restart(): Promise<void>;
  /** @throws when an answer or event broke the contract meanwhile */
  stop(): Promise<void>;
}

/** A gateway in this process, set up as upstream's was when its answers were recorded, with a model server behind it. */
export async function startRecordedGateway(options: TestGatewayOptions = {}): Promise<RecordedGateway> {
  const home = mkdtempSync(join(tmpdir(), "chela-parity-"));
  const stateDir = join(home, ".openclaw");
  mkdirSync(stateDir);
  // Upstream's log was longer than a page when its answers were recorded.
  writeFileSync(logOf(stateDir), "a line of the log\n".repeat(LIMITS.logTailDefaultLines + 100));
  const models = startModelServer();
  const config = recordingConfig(models.baseUrl) as Partial<GatewayConfig>;
  const start = (port: number): Promise<TestGateway> => startTestGateway({ stateDir, config, ...options, port });
  const running: RecordedGateway = {
    gateway: await start(0),
    get target() {
      return { url: running.gateway.url, token: RECORDING_TOKEN };
    },
    models,
    async restart() {
      const { port } = running.gateway.gateway;
      await running.gateway.stop();
      running.gateway = await start(port);
    },
    async stop() {
      try {
        await running.gateway.stop();
      } finally {
        await models.close();
        rmSync(home, { recursive: true, force: true });
      }
    },
  };
  return running;
}
