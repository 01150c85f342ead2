import { describe, expect, test } from "bun:test";
import { urlGuard } from "./guard.ts";

const score = async (url: string): Promise<number> => {
  const found = await urlGuard.inspect({ kind: "url", url, method: "GET" }, { origin: "web" }, () => {});
  return Math.max(0, ...found.map((finding) => finding.score));
};

describe("addresses", () => {
  test.each(["https://example.org/a?b=c", "http://93.184.216.34/", "https://sub.example.com:8443/x"])(
    "of the public web are allowed: %s",
    async (url) => expect(await score(url)).toBe(0),
  );

  test.each([
    "http://127.0.0.1:8080/",
    "http://0x7f.1/",
    "http://2130706433/",
    "http://[::ffff:10.0.0.1]/",
    "http://printer/",
    "http://router.local/",
    "http://localhost./",
    "https://user:secret@example.org/",
    "file:///etc/passwd",
    "https://xn--pple-43d.com/",
    "nonsense",
  ])("88: go to review: %s", async (url) => expect(await score(url)).toBeGreaterThanOrEqual(50));

  test.each(["http://169.254.169.254/latest/meta-data/", "http://metadata.google.internal/computeMetadata/v1/"])(
    "88: of a machine's own keys are blocked: %s",
    async (url) => expect(await score(url)).toBeGreaterThanOrEqual(80),
  );
});

test("other actions are none of its business", async () => {
  const action = { kind: "install", source: "http://127.0.0.1/", path: "/x" } as const;
  expect(await urlGuard.inspect(action, { origin: "web" }, () => {})).toEqual([]);
});
