import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { ALL_SCOPES } from "../../../src/parity/connect-params.ts";
import { SoakClient } from "../soak/client.ts";
import { type HardeningTarget, must, SECRETS } from "./target.ts";

/** Reads of everything that could hold a secret, by a client that may read everything. */
const READS: readonly [string, unknown][] = [
  ["config.get", {}],
  ["config.schema", {}],
  ["status", {}],
  ["health", {}],
  ["models.list", {}],
  ["models.authStatus", {}],
  ["logs.tail", { limit: 5000, maxBytes: 1_000_000 }],
  ["channels.status", {}],
  ["system-presence", {}],
  ["system.info", {}],
  ["gateway.identity.get", {}],
  ["sessions.list", {}],
  ["cron.list", {}],
  ["audit.list", {}],
  ["usage.status", {}],
  ["device.pair.list", {}],
  ["node.list", {}],
];

/** Asks for everything, and keeps the answers and events. */
export async function readEverything(target: HardeningTarget): Promise<number> {
  const client = await SoakClient.open(target.target, { scopes: [...ALL_SCOPES] });
  client.onEvent = (frame) => target.saw(JSON.stringify(frame));
  await client.call("sessions.subscribe");
  const message = "words of the gate";
  await client.call("chat.send", { sessionKey: "agent:main:main", message, idempotencyKey: "h1" }, { first: true });
  let answered = 0;
  for (const [method, params] of READS) {
    await client.call(method, params).then(
      (payload) => {
        answered++;
        target.saw(JSON.stringify(payload));
      },
      (error) => target.saw(String(error)),
    );
  }
  await Bun.sleep(1000);
  client.close();
  return answered;
}

/** Looks for the configured secrets in all that came back and all that lies on disk, the config file itself excepted. */
export function findSecrets({ answers, home }: HardeningTarget): { bytes: number } {
  const found: string[] = [];
  let bytes = 0;
  const look = (where: string, text: string): void => {
    bytes += text.length;
    for (const [name, secret] of Object.entries(SECRETS)) if (text.includes(secret)) found.push(`${name} in ${where}`);
  };
  for (const answer of answers) look(`an answer: ${answer.slice(0, 60)}`, answer);
  for (const file of readdirSync(home.home, { recursive: true, encoding: "utf8" })) {
    const path = join(home.home, file);
    if (!statSync(path).isFile() || isConfig(basename(file))) continue;
    look(file, readFileSync(path, "latin1"));
  }
  must(found.length === 0, [...new Set(found)].slice(0, 10).join("; "));
  return { bytes };
}

/** The file that the operator has written, and the last good copies of it. */
const isConfig = (name: string): boolean => name.startsWith("openclaw.json");
