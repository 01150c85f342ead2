import { storedToken } from "../gateway/stored-token.ts";
import { EXIT, type Invocation } from "./command.ts";
import { CliFailure } from "./failure.ts";
import { loadConfig } from "./target.ts";

/** Prints the token, to a person and nowhere else: what goes through a pipe ends up in logs (docs: cli/gateway/running). */
export async function run({ io, options, env, program }: Invocation): Promise<number> {
  if (!options.flag("show") || !io.interactive) {
    const hints = [`On a terminal: ${program} gateway auth-token --show`];
    throw new CliFailure("The token is only shown to a terminal, and when asked for with --show.", { hints });
  }
  const config = await loadConfig(env);
  const token = config.current.gateway.auth.token ?? storedToken(config.stateDir);
  if (token === undefined) {
    const hints = [`Start the gateway once: ${program} gateway run`];
    throw new CliFailure("There is no token yet.", { hints });
  }
  io.out(token);
  return EXIT.ok;
}
