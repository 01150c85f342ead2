import type {
  DefenderQuarantineEntry,
  DefenderQuarantineGetResult,
  DefenderQuarantineListResult,
} from "../../generated/types.ts";
import { callGateway } from "./call.ts";
import { EXIT, type Invocation } from "./command.ts";
import { writeJson } from "./io.ts";
import { chooseTarget } from "./target.ts";
import { printable } from "./text.ts";

/** `defend quarantine list|show|release|purge` of the running gateway. */
export async function run({ command, args, options, io, env }: Invocation): Promise<number> {
  const target = await chooseTarget(options, env);
  const timeoutMs = options.integer("timeout", { min: 1 })!;
  const [id] = args;
  const call = (method: string, params: object) =>
    callGateway(target, `defender.quarantine.${method}`, params, { timeoutMs });
  const isJson = options.flag("json");
  switch (command.path.split(" ").at(-1)) {
    case "show": {
      const shown = (await call("get", { id })) as DefenderQuarantineGetResult;
      if (isJson) writeJson(io, shown);
      else io.out(`${lineOf(shown.entry)}\n\n${printable(shown.payload)}${shown.truncated ? " …" : ""}`);
      break;
    }
    case "release": {
      const { entry } = (await call("release", { id })) as { entry: DefenderQuarantineEntry };
      if (isJson) writeJson(io, entry);
      else io.out(`Released: the same payload passes from now on.\n${lineOf(entry)}`);
      break;
    }
    case "purge": {
      const { purged } = (await call("purge", id === "all" ? { all: true } : { ids: [id] })) as { purged: number };
      if (isJson) writeJson(io, { purged });
      else io.out(`Purged ${purged}.`);
      break;
    }
    default: {
      const { entries, total } = (await call("list", {
        limit: options.integer("limit", { min: 1, max: 500 }),
      })) as DefenderQuarantineListResult;
      if (isJson) writeJson(io, { entries, total });
      else io.out(entries.length === 0 ? "Nothing is kept." : entries.map(lineOf).join("\n"));
    }
  }
  return EXIT.ok;
}

const lineOf = ({ id, at, origin, finding, score, chars, releasedAt }: DefenderQuarantineEntry): string =>
  `${id}  ${new Date(at).toISOString()}  ${origin}  ${finding} (${score})  ${chars} characters${releasedAt === undefined ? "" : "  released"}`;
