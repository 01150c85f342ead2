// An MCP server as a program of its own, for the tests: `bun stdio-server.ts [FILE]` notes its number in FILE.
import { appendFileSync } from "node:fs";
import { makeServer } from "./answers.ts";

const [, , file] = process.argv;
if (file) appendFileSync(file, `${process.pid}\n`);
const send = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
const answer = makeServer(send);
let rest = "";
for await (const chunk of process.stdin) {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop()!;
  for (const line of lines) {
    const said = await answer(JSON.parse(line));
    if (said === "gone") process.exit(3);
    if (said) send(said);
  }
}
