import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GatewayHome, GatewayProcess } from "../../../src/parity/gateway-process.ts";
import { SoakClient } from "../soak/client.ts";
import { measure } from "../soak/measure.ts";

/** What must not be found in the clear. */
export const SECRETS = {
  "gateway.auth.token": "hardening-gateway-token-7f3a91c2d4e8",
  "models.providers.mock.apiKey": "hardening-model-key-51b0c9e7a2d6",
  "hooks.token": "hardening-hooks-token-0d92e4f7b6a1",
} as const;

/** The gateway under attack, and what its honest clients see. */
export class HardeningTarget implements Disposable {
  readonly home: GatewayHome;
  readonly token = SECRETS["gateway.auth.token"];
  private gateway!: GatewayProcess;
  /** Everything that probes were answered, for the search for secrets. */
  readonly answers: string[] = [];

  constructor(
    private readonly command: readonly string[],
    modelBaseUrl: string,
  ) {
    this.home = new GatewayHome(modelBaseUrl);
    const file = join(this.home.stateDir, "openclaw.json");
    const config = JSON.parse(readFileSync(file, "utf8"));
    config.gateway.auth.token = this.token;
    config.models.providers.mock.apiKey = SECRETS["models.providers.mock.apiKey"];
    config.hooks = { enabled: true, token: SECRETS["hooks.token"] };
    // Open to others on purpose: the gateway must say so, or close it.
    writeFileSync(file, JSON.stringify(config), { mode: 0o644 });
  }

  get url(): string {
    return this.home.url;
  }

  get httpUrl(): string {
    return this.url.replace("ws:", "http:");
  }

  get target(): { url: string; token: string } {
    return { url: this.url, token: this.token };
  }

  async start(): Promise<void> {
    this.gateway = await GatewayProcess.start(this.command, this.home);
  }

  async stop(): Promise<void> {
    await this.gateway.end();
  }

  get output(): string {
    return this.gateway.output();
  }

  /** Resident memory in MiB. */
  get memory(): number {
    return measure(this.gateway.pid, this.home.stateDir).rss;
  }

  get descriptors(): number {
    return measure(this.gateway.pid, this.home.stateDir).descriptors;
  }

  /** An honest client is served: it may have to wait for a moment after a flood from its own address. */
  async mustServe(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        const client = await SoakClient.open(this.target);
        await client.call("health");
        client.close();
        return;
      } catch (error) {
        if (attempt === 20) throw new Error(`an honest client is not served: ${error}`);
        await Bun.sleep(250);
      }
    }
  }

  /** Remembers what came back. */
  saw(text: string): void {
    if (this.answers.length < 20_000) this.answers.push(text);
  }

  [Symbol.dispose](): void {
    this.home[Symbol.dispose]();
  }
}

export function must(condition: unknown, what: unknown): void {
  if (!condition) throw new Error(typeof what === "string" ? what : String(JSON.stringify(what)).slice(0, 400));
}
