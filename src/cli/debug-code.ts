import { EXIT, type Invocation } from "./command.ts";

/** Tries to run text as code, in the ways a program can. The executable is built to refuse them all. */
export async function run({ io }: Invocation): Promise<number> {
  const code = "globalThis.madeFromText = true";
  const ways: Readonly<Record<string, () => unknown>> = {
    // biome-ignore lint/security/noGlobalEval: that it fails is what is tested
    eval: () => globalThis.eval(code),
    Function: () => new Function(code)(),
    "data: import": () => import(`data:text/javascript,${encodeURIComponent(code)}`),
  };
  let ran = 0;
  for (const [name, attempt] of Object.entries(ways)) {
    try {
      await attempt();
      ran++;
      io.out(`${name}: ran`);
    } catch (error) {
      io.out(`${name}: refused (${(error as Error).name})`);
    }
  }
  return ran === 0 ? EXIT.ok : EXIT.failed;
}
