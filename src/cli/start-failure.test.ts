import { describe, expect, test } from "bun:test";
import { ConfigError } from "../config/problem.ts";
import { AlreadyRunning } from "../gateway/instance-lock.ts";
import { PortInUse } from "../gateway/open.ts";
import { NewerDatabase } from "../store/migrate.ts";
import { CliFailure } from "./failure.ts";
import { explainStart } from "./start-failure.ts";

const explain = (error: unknown): CliFailure => {
  const explained = explainStart(error, "chela");
  expect(explained).toBeInstanceOf(CliFailure);
  return explained as CliFailure;
};

describe("a start that fails", () => {
  test("because starting again would not help, with 78", () => {
    expect(explain(new ConfigError([{ path: "gateway.port", reason: "is odd" }])).exitCode).toBe(78);
    expect(explain(new NewerDatabase("The database is at schema version 99."))).toMatchObject({ exitCode: 78 });
  });

  test("for another reason that the operator can remove, with 1 and what to do", () => {
    const system = (code: string) => Object.assign(new Error(`${code}: no`), { code });
    const errors = [
      new AlreadyRunning("/state", null),
      new PortInUse("127.0.0.1", 1),
      system("EACCES"),
      system("SQLITE_CORRUPT"),
      system("SQLITE_FULL"),
      system("SQLITE_IOERR_WRITE"),
      system("SQLITE_READONLY_DIRECTORY"),
    ];
    for (const error of errors) {
      const { message, hints, exitCode } = explain(error);
      expect({ message, exitCode }).toEqual({ message: error.message, exitCode: 1 });
      expect(hints[0]).toBeString();
    }
  });

  test("for a reason that nobody foresaw, with its stack", () => {
    const error = new TypeError("undefined is not a function");
    expect(explainStart(error, "chela")).toBe(error);
  });
});
