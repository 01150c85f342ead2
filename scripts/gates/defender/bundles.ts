import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { GateContext } from "../../gate/run.ts";
import { type DefenderTarget, must } from "./target.ts";

const POLICY = "version: 1\nthresholds: { review: 41 }\ncommands: { deny: [{ program: terraform }] }\n";

/** Signed policies from the command line to the gateway: what is tampered with, unknown or old is refused. */
export async function checkBundles({ check }: GateContext, target: DefenderTarget): Promise<void> {
  const at = (name: string) => join(target.home.home, name);
  const done = async (...words: string[]): Promise<string> => {
    const { code, out, err } = await target.cli("defend", "policy", ...words);
    must(code === 0, `defend policy ${words.join(" ")}: ${err}`);
    return out;
  };
  const put = (name: string): void => {
    copyFileSync(at(name), at("in-force.json"));
    copyFileSync(at(`${name}.minisig`), at("in-force.json.minisig"));
  };
  /** Where the policy in force comes from, once the gateway has looked again. */
  const source = async () => {
    await Bun.sleep(700);
    const client = await target.connect();
    try {
      return (await client.request("defender.policy.get")).source;
    } finally {
      client.stop();
    }
  };

  await check("keys are made, and a policy signed, checked, and in force in the gateway", async () => {
    writeFileSync(at("policy.yaml"), POLICY);
    await done("keygen", at("first"), "--keyring", at("ring.yaml"));
    const sign = ["--key", at("first.key"), "--days", "30"];
    await done("sign", at("policy.yaml"), ...sign, "--policy-version", "2", "--out", at("v2.json"));
    await done("sign", at("policy.yaml"), ...sign, "--policy-version", "1", "--out", at("v1.json"));
    await done("verify", at("v2.json"), "--keyring", at("ring.yaml"));
    put("v2.json");
    const bundle = { file: at("in-force.json"), keyring: at("ring.yaml"), audience: "gate" };
    await target.stop();
    target.configure((config) => ({ ...config, security: { ...config.security, defender: { bundle } } }));
    await target.start();
    const { source: kind, bundle: facts } = await source();
    must(kind === "bundle" && facts.version === 2, { kind, facts });
    const client = await target.connect();
    const verdict = await client.request("defender.check", {
      kind: "command",
      text: "terraform plan",
      origin: "owner",
    });
    client.stop();
    must(verdict.verdict === "block", verdict);
  });

  const refused = async (why: string, version = 2): Promise<void> => {
    const { source: kind, bundle, problem } = await source();
    must(kind === "bundle" && bundle.version === version && String(problem).includes(why), { kind, bundle, problem });
  };

  await check("a tampered bundle is refused, and the last good one stays in force", async () => {
    writeFileSync(at("in-force.json"), readFileSync(at("v2.json"), "utf8").replace("41", "99"));
    await refused("does not belong");
  });

  await check("a bundle of an unknown key is refused", async () => {
    await done("keygen", at("stranger"));
    await done("sign", at("policy.yaml"), "--key", at("stranger.key"), "--policy-version", "9", "--out", at("v9.json"));
    put("v9.json");
    await refused("unknown key");
  });

  await check("an old version is refused, also after a restart", async () => {
    put("v1.json");
    await refused("version 2 was in force");
    await target.restart("SIGKILL");
    await refused("version 2 was in force");
  });

  await check("a key is rotated with an overlap, and a rollout is staged with a way back", async () => {
    await done("rotate", at("second"), "--keyring", at("ring.yaml"), "--overlap-days", "7");
    writeFileSync(at("next.yaml"), "version: 1\nprofile: strict\n");
    const out = at("rollout");
    await done(
      "stage",
      at("next.yaml"),
      "--key",
      at("second.key"),
      "--policy-version",
      "3",
      "--canary",
      "gate",
      "--previous",
      at("policy.yaml"),
      "--out",
      out,
    );
    for (const [stage, version] of [
      ["canary", 3],
      ["staged", 3],
      ["rollback", 4],
    ] as const) {
      put(`rollout/policy-bundle-${stage}.json`);
      const { source: kind, bundle, problem } = await source();
      must(kind === "bundle" && bundle.version === version && bundle.stage === stage, { kind, bundle, problem });
    }
  });
}
