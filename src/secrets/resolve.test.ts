import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Config } from "../config/config.ts";
import { resolveSecrets } from "./resolve.ts";

const provider = (apiKey: unknown) => ({ baseUrl: "http://127.0.0.1:1/v1", apiKey, models: [{ id: "m", name: "m" }] });
const variable = (id: string) => ({ source: "env", provider: "default", id });

async function withConfig(run: (config: Config) => void): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), "chela-resolve-"));
  const path = join(stateDir, "openclaw.json");
  const providers = {
    plain: provider("in-the-file"),
    named: provider(variable("NAMED_KEY")),
    missing: provider(variable("MISSING_KEY")),
  };
  writeFileSync(path, JSON.stringify({ models: { providers } }));
  try {
    run(await Config.load({ env: { NAMED_KEY: "from-the-variable" }, path, stateDir }));
  } finally {
    rmSync(stateDir, { recursive: true });
  }
}

const KEYS = "models.providers.*.apiKey";

test("gives the values that references of the targets have, and names those without one", () =>
  withConfig((config) => {
    expect(resolveSecrets(config, { commandName: "x", targetIds: [KEYS] })).toEqual({
      ok: true,
      assignments: [
        {
          path: "models.providers.named.apiKey",
          pathSegments: ["models", "providers", "named", "apiKey"],
          value: "from-the-variable",
        },
      ],
      diagnostics: ["models.providers.missing.apiKey: the reference has no value"],
      inactiveRefPaths: [],
    });
  }));

test("gives no more than the allowed paths and the targets", () =>
  withConfig((config) => {
    for (const params of [
      { targetIds: [KEYS], allowedPaths: ["gateway.auth.token"] },
      { targetIds: ["gateway.auth.token"] },
      { targetIds: [] },
    ])
      expect(resolveSecrets(config, { commandName: "x", ...params }).assignments).toEqual([]);
  }));

test.each([
  [{}, "commandName"],
  [{ commandName: " ", targetIds: [] }, "commandName"],
  [{ commandName: "x" }, "targetIds"],
  [{ commandName: "x", targetIds: [""] }, "targetIds"],
  [{ commandName: "x", targetIds: [], other: 1 }, "targetIds"],
  [{ commandName: "x", targetIds: ["nope"] }, 'unknown target id "nope"'],
  [{ commandName: "x", targetIds: ["models.providers.*.baseUrl"] }, 'unknown target id "models.providers.*.baseUrl"'],
])("refuses %p", (params, problem) =>
  withConfig((config) => {
    expect(() => resolveSecrets(config, params)).toThrow(`invalid secrets.resolve params: ${problem}`);
  }),
);
