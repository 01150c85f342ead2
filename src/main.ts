import { basename } from "node:path";
import { runCli } from "./cli/cli.ts";
import { processIo } from "./cli/io.ts";

// The name on the command line decides who answers: a link called `openclaw` speaks as that.
const program = basename(process.argv0) === "openclaw" ? "openclaw" : "chela";
const code = await runCli(process.argv.slice(2), { program, io: processIo(), env: process.env });
process.exit(code);
