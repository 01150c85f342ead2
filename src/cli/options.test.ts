import { describe, expect, test } from "bun:test";
import type { OptionSpec } from "./command.ts";
import { parseOptions } from "./options.ts";

const SPECS: readonly OptionSpec[] = [
  { name: "json", summary: "" },
  { name: "verbose", short: "v", summary: "" },
  { name: "quiet", short: "q", summary: "" },
  { name: "message", short: "m", value: "<text>", summary: "" },
  { name: "timeout", value: "<ms>", summary: "", fallback: "10000" },
  { name: "auth", value: "<mode>", summary: "", choices: ["none", "token"] },
];

const parse = (...words: string[]) => parseOptions(words, SPECS);

describe("options", () => {
  test("take their value from the next word or behind =", () => {
    expect(parse("--message", "hi").options.text("message")).toBe("hi");
    expect(parse("--message=a=b").options.text("message")).toBe("a=b");
    expect(parse("--message=").options.text("message")).toBe("");
    expect(parse("-m", "hi").options.text("message")).toBe("hi");
    expect(parse("-mhi").options.text("message")).toBe("hi");
  });

  test("a value may look like an option", () => {
    const { options } = parse("--message", "--json");
    expect(options.text("message")).toBe("--json");
    expect(options.flag("json")).toBe(false);
  });

  test("flags of one letter may be written together, the last with its value", () => {
    const { options } = parse("-vqm", "hi");
    expect(options.flag("verbose")).toBe(true);
    expect(options.flag("quiet")).toBe(true);
    expect(options.text("message")).toBe("hi");
  });

  test("the last of repeated options counts", () => {
    expect(parse("--message", "a", "--message", "b").options.text("message")).toBe("b");
  });

  test("-- ends them, and a lone dash is an argument", () => {
    const { args, options } = parse("a", "-", "--", "--json", "b");
    expect(args).toEqual(["a", "-", "--json", "b"]);
    expect(options.flag("json")).toBe(false);
  });

  test("an absent option has its fallback or nothing", () => {
    const { options } = parse();
    expect(options.integer("timeout")).toBe(10_000);
    expect(options.text("message")).toBeUndefined();
    expect(options.integer("message")).toBeUndefined();
  });

  test("numbers are whole and within bounds", () => {
    const integer = (text: string) => parse("--timeout", text).options.integer("timeout", { min: 1, max: 65535 });
    expect(integer("65535")).toBe(65535);
    for (const text of ["0", "65536", "1.5", "-1", "", "0x10", "1e3", "ten"]) {
      expect(() => integer(text)).toThrow("--timeout must be a whole number from 1 to 65535");
    }
  });

  test("what is unknown or incomplete is refused", () => {
    expect(() => parse("--nope")).toThrow("There is no option --nope here.");
    expect(() => parse("-x")).toThrow("There is no option -x here.");
    expect(() => parse("--message")).toThrow("Option --message needs a value");
    expect(() => parse("--json=yes")).toThrow("Option --json takes no value.");
    expect(() => parse("--auth", "maybe")).toThrow('Option --auth is one of none, token; "maybe" is not.');
  });
});
