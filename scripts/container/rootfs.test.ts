import { expect, test } from "bun:test";
import { librariesOf } from "./rootfs.ts";

test("the libraries are those that have a file", () => {
  const said = `\tlinux-vdso.so.1 (0x00007f466d2eb000)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f466d0f8000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f466d2ed000)
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f466d00e000)
`;
  expect(librariesOf(said)).toEqual([
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/x86_64-linux-gnu/libm.so.6",
  ]);
  expect(librariesOf("\tnot a dynamic executable\n")).toEqual([]);
});
