import { expect, test } from "bun:test";
import { systemClock } from "../platform/clock.ts";
import { silentLogger } from "../platform/logger.ts";
import { Models } from "./models.ts";

test("what is known of the providers is made once, not at every use", () => {
  const config = { current: {}, env: {} } as unknown as ConstructorParameters<typeof Models>[0]["config"];
  const models = new Models({ config, clock: systemClock, log: silentLogger, endpoints: [] });
  expect(models.providers()).toBe(models.providers());
});
