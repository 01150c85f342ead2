import { expect, test } from "bun:test";
import { isPublicAddress } from "./addresses.ts";

test("attack 88: no form of a local or special address passes as a public one", () => {
  const special = [
    "127.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "169.254.169.254",
    "172.31.255.255",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "[::1]",
    "::ffff:127.0.0.1",
    "0:0:0:0:0:ffff:7f00:1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::8.8.8.8",
    "2002:7f00:1::",
    "2002:a00:1::",
    "2001:0:1:2:3:4:5:6",
    "2001:db8::1",
    "3fff::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "2a00::5efe:127.0.0.1",
    "2a00:0:0:0:200:5efe:a00:1",
    "localhost",
    "",
  ];
  expect(special.filter(isPublicAddress)).toEqual([]);
});

test("public addresses of both families pass", () => {
  const open = [
    "8.8.8.8",
    "1.1.1.1",
    "172.32.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2606:4700::1111",
    "2a00:1450::1",
  ];
  expect(open.filter((address) => !isPublicAddress(address))).toEqual([]);
});
