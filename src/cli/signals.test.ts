import { afterEach, describe, expect, test } from "bun:test";
import { Signals } from "./signals.ts";

const open: Signals[] = [];
afterEach(() => {
  for (const signals of open.splice(0)) signals.close();
});

function listen(): { signals: Signals; exits: number[]; pass(ms: number): void } {
  const exits: number[] = [];
  let now = 0;
  const signals = new Signals(
    (code) => exits.push(code),
    () => now,
  );
  open.push(signals);
  return {
    signals,
    exits,
    pass: (ms) => {
      now += ms;
    },
  };
}

/** As if the system had sent it. */
const send = (signal: string): void => void process.emit(signal as "SIGTERM", signal as "SIGTERM");

describe("signals", () => {
  test("the first that stops is handed out, whether somebody waits or not", async () => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
      const before = listen();
      send(signal);
      expect(await before.signals.next(true)).toEqual({ signal, action: "stop" });
      before.signals.close();
      const after = listen();
      const next = after.signals.next(true);
      send(signal);
      expect(await next).toEqual({ signal, action: "stop" });
      after.signals.close();
      expect([...before.exits, ...after.exits]).toEqual([]);
    }
  });

  test("a second one ends the process at once, with the code of the signal", () => {
    const { exits, pass } = listen();
    send("SIGTERM");
    pass(250);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) send(signal);
    expect(exits).toEqual([143, 130, 129]);
  });

  test("but the same key press, which can arrive twice, does not", () => {
    const { exits, pass } = listen();
    send("SIGINT");
    pass(249);
    send("SIGINT");
    expect(exits).toEqual([]);
  });

  test("a restart is obeyed where it is allowed, any number of times", async () => {
    const { signals, exits } = listen();
    for (let n = 0; n < 3; n++) {
      const next = signals.next(true);
      send("SIGUSR2");
      expect(await next).toEqual({ signal: "SIGUSR2", action: "restart" });
    }
    const next = signals.next(false);
    send("SIGUSR2");
    send("SIGTERM");
    expect(await next).toEqual({ signal: "SIGTERM", action: "stop" });
    expect(exits).toEqual([]);
  });

  test("while it starts again one that stops is kept, and no restart replaces it", async () => {
    const { signals } = listen();
    send("SIGTERM");
    send("SIGUSR2");
    expect(await signals.next(true)).toEqual({ signal: "SIGTERM", action: "stop" });
  });
});
