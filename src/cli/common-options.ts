import type { OptionSpec } from "./command.ts";

export const JSON_OUTPUT: OptionSpec = { name: "json", summary: "Print one JSON document" };
export const TIMEOUT: OptionSpec = {
  name: "timeout",
  value: "<ms>",
  summary: "Give up after this time",
  fallback: "10000",
};

/** Which gateway to talk to; without any of them the configured one. */
export const TARGET: readonly OptionSpec[] = [
  { name: "url", value: "<url>", summary: "The gateway's WebSocket URL; needs --token or --password" },
  { name: "port", value: "<port>", summary: "The gateway on this machine that listens there" },
  { name: "token", value: "<token>", summary: "The gateway's token" },
  { name: "password", value: "<password>", summary: "The gateway's password" },
];
