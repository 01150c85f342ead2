import { expect, test } from "bun:test";
import { startModelServer } from "../parity/model-server.ts";
import type { ModelEntry } from "./catalogue.ts";
import { openModel, type Route } from "./dialect.ts";
import { openTransport } from "./transport.ts";

const entry = (api: string, baseUrl: string): ModelEntry => ({
  provider: "mock",
  id: "mock-1",
  name: "Mock",
  api,
  baseUrl,
  reasoning: false,
  input: ["text"],
  compat: {},
  source: "config",
});
const route = (baseUrl: string, key = "k"): Route => ({ baseUrl, key, bearer: false, headers: {} });
const transport = (signal = new AbortController().signal) =>
  openTransport({ signal, request: { headers: {} }, responseTimeoutMs: 10_000, idleTimeoutMs: 10_000 });

test.each(["openai-completions", "anthropic-messages"])("a model of %s is made once for its route", async (api) => {
  const model = entry(api, "http://127.0.0.1:1/v1");
  const first = await openModel(model, route(model.baseUrl), transport());
  expect(await openModel(model, route(model.baseUrl), transport())).toBe(first);
  expect(await openModel(model, route(model.baseUrl, "another key"), transport())).not.toBe(first);
});

test("calls of one model at the same time end each by its own signal", async () => {
  const server = startModelServer();
  const model = entry("openai-completions", server.baseUrl);
  const call = async (text: string, signal?: AbortSignal) => {
    const own = transport(signal);
    const prompt = [{ role: "user" as const, content: [{ type: "text" as const, text }] }];
    const opened = await openModel(model, route(server.baseUrl), own);
    const { stream } = await opened.doStream({ prompt, abortSignal: own.signal });
    const reader = stream.getReader();
    let said = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (part.value.type === "text-delta") said += part.value.delta;
    }
    own.close();
    return said;
  };
  const control = new AbortController();
  const stopped = call("SLOW:20000 one two three four five six", control.signal).catch((error: Error) => error);
  const other = call("SLOW:5 a b c");
  expect(await other).toBe("echo: a b c");
  control.abort(new Error("stopped"));
  expect(await stopped).toBeInstanceOf(Error);
  await server.close();
});
