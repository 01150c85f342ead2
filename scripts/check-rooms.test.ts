import { describe, expect, test } from "bun:test";
import { importsOf, levelOf, problemOf, roomOf } from "./check-rooms.ts";

describe("the imports of a source text", () => {
  test("are found in every form, and marked when they are for types alone", () => {
    const text = [
      'import { a } from "./a.ts";',
      'import type { B } from "../b/types.ts";',
      'import "./side.ts";',
      'export { c } from "./c.ts";',
      'export type { D } from "./d.ts";',
      "import {\n  e,\n  f,\n} from '../wrong-quotes.ts';",
      'import {\n  g,\n  h,\n} from "../gh.ts";',
      'const late = await import("./late.ts");',
      'import { readFileSync } from "node:fs";',
      'import { Type } from "typebox";',
    ].join("\n");
    expect(importsOf(text)).toEqual([
      { path: "./a.ts", typeOnly: false },
      { path: "../b/types.ts", typeOnly: true },
      { path: "./side.ts", typeOnly: false },
      { path: "./c.ts", typeOnly: false },
      { path: "./d.ts", typeOnly: true },
      { path: "../gh.ts", typeOnly: false },
      { path: "./late.ts", typeOnly: false },
    ]);
  });

  test("a value import after a type import is not taken for one", () => {
    expect(importsOf('import type { A } from "./a.ts";\nimport { b } from "./b.ts";')).toEqual([
      { path: "./a.ts", typeOnly: true },
      { path: "./b.ts", typeOnly: false },
    ]);
  });
});

describe("rooms", () => {
  test("are the first folder, or the file at the top", () => {
    expect(roomOf("src/gateway/http.ts")).toBe("gateway");
    expect(roomOf("src/main.ts")).toBe("main.ts");
    expect(levelOf("src/some-new-domain/x.ts")).toBe(levelOf("src/sessions/x.ts"));
  });

  test.each([
    ["src/main.ts", "src/cli/index.ts"],
    ["src/cli/health.ts", "src/client/client.ts"],
    ["src/gateway/services.ts", "src/sessions/sessions.ts"],
    ["src/gateway/services.ts", "src/methods/index.ts"],
    ["src/methods/chat.ts", "src/sessions/types.ts"],
    ["src/sessions/a.ts", "src/models/types.ts"],
    ["src/sessions/a.ts", "src/store/store.ts"],
    ["src/store/store.ts", "src/platform/clock.ts"],
    ["src/sessions/a.ts", "generated/types.ts"],
    ["src/cli/defend-attach.ts", "src/sidecar/create.ts"],
    ["src/sidecar/sidecar.ts", "src/client/client.ts"],
    ["src/sidecar/create.ts", "src/defender/create.ts"],
  ])("%s may import %s", (from, to) => {
    expect(problemOf(from, to, false)).toBeNull();
  });

  test.each([
    ["src/sessions/a.ts", "src/gateway/server.ts"],
    ["src/sessions/a.ts", "src/methods/index.ts"],
    ["src/store/store.ts", "src/sessions/a.ts"],
    ["src/platform/clock.ts", "src/store/store.ts"],
    ["src/gateway/server.ts", "src/cli/index.ts"],
    ["src/methods/chat.ts", "src/gateway/server.ts"],
    ["src/client/client.ts", "src/gateway/frames.ts"],
    ["src/client/client.ts", "src/sidecar/sidecar.ts"],
    ["src/sidecar/sidecar.ts", "src/gateway/frames.ts"],
    ["src/sidecar/sidecar.ts", "src/methods/approvals.ts"],
    ["src/gateway/services.ts", "src/sidecar/sidecar.ts"],
  ])("%s may not import %s", (from, to) => {
    expect(problemOf(from, to, false)).toStartWith(`${from} imports ${to}: `);
  });

  test.each([
    "scripts/codegen/spec.ts",
    "fixtures/a.ts",
    "src/gateway/testing.ts",
    "src/client/testing/peer.ts",
    "src/a/b.test.ts",
  ])("no file of the product may import %s", (to) =>
    expect(problemOf("src/gateway/server.ts", to, false)).not.toBeNull(),
  );

  test("methods know the types of the context they are given, and nothing else of the gateway", () => {
    expect(problemOf("src/methods/chat.ts", "src/gateway/context.ts", true)).toBeNull();
    expect(problemOf("src/methods/chat.ts", "src/gateway/context.ts", false)).not.toBeNull();
    expect(problemOf("src/methods/chat.ts", "src/gateway/server.ts", true)).not.toBeNull();
  });
});
