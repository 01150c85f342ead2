import { expect, test } from "bun:test";
import { isLoopbackUrl, urlProblem } from "./address.ts";

test("95: plaintext stays on this machine and private networks (CWE-319)", () => {
  const hosts = [
    "127.0.0.1:1",
    "localhost",
    "[::1]:1",
    "10.1.2.3",
    "192.168.0.2",
    "172.16.0.1",
    "172.31.9.9",
    "169.254.1.1",
  ];
  for (const host of [
    ...hosts,
    "100.64.0.1",
    "100.127.1.1",
    "[fd00::1]",
    "[fe80::1]",
    "box.local",
    "box.tail.ts.net",
  ]) {
    expect(urlProblem(`ws://${host}`)).toBeNull();
  }
  const open = [
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "example.com",
    "local",
    "ts.net.example.com",
    "127.0.0.1.example.com",
  ];
  for (const host of [...open, "10.evil.com", "[2001:db8::1]"]) {
    expect(urlProblem(`ws://${host}`)).toContain("Use wss://");
    expect(urlProblem(`wss://${host}`)).toBeNull();
    expect(urlProblem(`ws://${host}`, true)).toBeNull();
  }
});

test("what is no gateway's URL", () => {
  for (const url of ["", "localhost:18789", "http://localhost", "file:///etc/passwd", "ws://user:secret@localhost"]) {
    expect(urlProblem(url)).toBeString();
  }
});

test("which addresses are this machine", () => {
  for (const url of ["ws://127.0.0.1", "ws://127.9.9.9:80", "ws://localhost:1", "ws://[::1]:1"])
    expect(isLoopbackUrl(url)).toBe(true);
  for (const url of ["ws://10.0.0.1", "ws://example.com", "ws://127.0.0.1.example.com"])
    expect(isLoopbackUrl(url)).toBe(false);
});
