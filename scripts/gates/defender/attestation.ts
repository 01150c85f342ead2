import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { GateContext } from "../../gate/run.ts";
import { type DefenderTarget, must } from "./target.ts";

/** What the gateway says of itself holds, and a report that was changed does not. */
export async function checkAttestation({ check, metric }: GateContext, target: DefenderTarget): Promise<void> {
  await check("the gateway attests its executable, configuration and policy for a nonce", async () => {
    const report = join(target.home.home, "report.json");
    const nonce = crypto.randomUUID();
    const from = performance.now();
    const made = await target.cli("defend", "attest", "--nonce", nonce, "--out", report, "--json");
    metric("attest", Math.round(performance.now() - from), "ms");
    must(made.code === 0, made);
    const { report: facts } = JSON.parse(made.out);
    const sha256 = createHash("sha256").update(readFileSync(target.binary)).digest("hex");
    must(facts.executable.sha256 === sha256 && facts.executable.kind === "release", facts);
    const verify = (...words: string[]) => target.cli("defend", "verify", report, ...words);
    must((await verify("--nonce", nonce, "--host-key", facts.hostKeyId)).code === 0, "the report was refused");
    must((await verify("--nonce", "another")).code === 1, "another nonce was taken");
    must((await verify("--nonce", nonce, "--host-key", "0123456789abcdef")).code === 1, "another host was taken");
    const signed = JSON.parse(readFileSync(report, "utf8"));
    await Bun.write(report, JSON.stringify({ ...signed, body: signed.body.replace(sha256, "0".repeat(64)) }));
    must((await verify("--nonce", nonce)).code === 1, "a changed report was taken");
  });
}
