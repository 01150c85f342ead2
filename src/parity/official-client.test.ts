import { afterAll, beforeAll, expect, test } from "bun:test";
import { OFFICIAL_CHECKS } from "./official-checks.ts";
import { RECORDING_TOKEN } from "./recording-config.ts";
import { type RecordedGateway, startRecordedGateway } from "./testing.ts";

let running: RecordedGateway;
beforeAll(async () => {
  running = await startRecordedGateway();
});
afterAll(() => running.stop());

for (const [name, check] of Object.entries(OFFICIAL_CHECKS)) {
  test(`the official client ${name}`, async () => {
    const { url } = running.target;
    await check({ url, token: RECORDING_TOKEN, restart: () => running.restart() });
    expect(running.target.url).toBe(url);
  });
}
