import { describe, expect, test } from "bun:test";
import { configSchema, lookUpSchema } from "./schema.ts";

type Node = { properties?: Record<string, Node>; [key: string]: unknown };

describe("config.schema", () => {
  const { schema, uiHints, generatedAt } = configSchema("2026.9.6", 0);

  test("describes every section, with the group and the place of each", () => {
    const { properties } = schema as Node;
    expect(generatedAt).toBe("1970-01-01T00:00:00.000Z");
    expect(Object.keys(properties!)).toContain("gateway");
    expect(uiHints.gateway).toMatchObject({ group: "Gateway", order: 30, advanced: true });
    expect(properties!.gateway!.properties!.port).toMatchObject({ type: "integer", maximum: 65535 });
    for (const [path, hint] of Object.entries(uiHints)) {
      expect([path, typeof hint.advanced]).toEqual([path, "boolean"]);
    }
  });

  test("marks secrets, and lets a reference stand in their place", () => {
    expect(uiHints["gateway.auth.token"]).toMatchObject({ sensitive: true, advanced: false });
    expect(uiHints["models.providers.*.apiKey"]).toMatchObject({ sensitive: true });
    expect((schema as Node).properties!.gateway!.properties!.auth!.properties!.token!.anyOf).toHaveLength(2);
  });

  test("offers nothing that is only read from old files", () => {
    expect((schema as Node).properties!.agents!.properties!.list).toBeUndefined();
    expect(Object.keys(uiHints).filter((path) => path.startsWith("agents.list"))).toEqual([]);
  });
});

describe("config.schema.lookup", () => {
  test("finds the entries of maps by name, the elements of lists by number or brackets", () => {
    expect(lookUpSchema("agents.entries.main")).toMatchObject({
      path: "agents.entries.main",
      hintPath: "agents.entries.*",
      schema: { type: "object" },
    });
    expect(lookUpSchema("models.providers.mock.models[]").path).toBe("models.providers.mock.models.*");
    const name = lookUpSchema("models.providers.mock.models[0].name");
    expect(name).toMatchObject({
      path: "models.providers.mock.models.0.name",
      hintPath: "models.providers.*.models.*.name",
    });
  });

  test("shows the children of a key in short, and of the whole", () => {
    const { schema, children } = lookUpSchema("gateway.auth");
    expect(schema).not.toHaveProperty("properties");
    expect(children.find(({ key }) => key === "mode")).toMatchObject({
      path: "gateway.auth.mode",
      hasChildren: false,
      reloadKind: "restart",
    });
    expect(lookUpSchema(".").children.map(({ key }) => key)).toContain("gateway");
  });

  test.each(["nope", "__proto__", "gateway/auth", "gateway.auth.mode.x", "agents.list[]", "tools.deny.x"])(
    "knows no %s",
    (path) => {
      expect(() => lookUpSchema(path)).toThrow("config schema path not found");
    },
  );
});
