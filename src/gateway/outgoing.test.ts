import { describe, expect, test } from "bun:test";
import { Outgoing } from "./outgoing.ts";

class FakeReader {
  isCut = false;
  constructor(
    readonly name: string,
    public bufferedBytes = 0,
  ) {}
  cutOff(): void {
    this.isCut = true;
    this.bufferedBytes = 0;
  }
}

function readers(bound: number) {
  const cut: string[] = [];
  const outgoing = new Outgoing<FakeReader>(bound, ({ name }) => cut.push(name));
  const behind = (reader: FakeReader, bytes: number) => {
    reader.bufferedBytes = bytes;
    outgoing.update(reader);
  };
  const [a, b, c] = ["a", "b", "c"].map((name) => new FakeReader(name)) as [FakeReader, FakeReader, FakeReader];
  return { outgoing, behind, cut, a, b, c };
}

describe("114: what waits to be sent to all connections together", () => {
  test("may be as much as the bound", () => {
    const { outgoing, behind, cut, a, b } = readers(100);
    behind(a, 60);
    behind(b, 40);
    expect([outgoing.bytes, cut]).toEqual([100, []]);
  });

  test("is brought under the bound by cutting off those furthest behind, and no more of them", () => {
    const { outgoing, behind, cut, a, b, c } = readers(100);
    behind(a, 20);
    behind(b, 70);
    behind(c, 30);
    expect([outgoing.bytes, cut]).toEqual([50, ["b"]]);
    behind(a, 130);
    expect([outgoing.bytes, cut, c.isCut]).toEqual([30, ["b", "a"], false]);
  });

  test("is measured anew before anybody is cut off: who has read meanwhile stays", () => {
    const { outgoing, behind, cut, a, b } = readers(100);
    behind(a, 90);
    a.bufferedBytes = 10;
    behind(b, 80);
    expect([outgoing.bytes, cut]).toEqual([90, []]);
  });

  test("does not count who has drained or is gone", () => {
    const { outgoing, behind, cut, a, b, c } = readers(100);
    behind(a, 90);
    behind(a, 0);
    behind(b, 90);
    outgoing.remove(b);
    b.bufferedBytes = 0;
    behind(c, 90);
    expect([outgoing.bytes, cut]).toEqual([90, []]);
  });
});
