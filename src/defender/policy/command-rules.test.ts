import { expect, test } from "bun:test";
import { parse } from "../../platform/lazy/unbash.ts";
import { commandGuard } from "../command/guard.ts";
import { defenderFixture } from "../testing.ts";
import { isGlob, ruledCommand } from "./command-rules.ts";

const RULES = {
  deny: [
    { program: "terraform", args: ["destroy", "**"] },
    { program: "git", any: ["--force", "-f"] },
    { program: "/opt/x/tool" },
  ],
  review: [{ program: "kubectl", args: ["apply", "**"] }],
  allow: [{ program: "rm", args: ["-rf", "build/*"] }, { program: "git", args: ["**"] }, { program: "make" }],
};
const ruled = (text: string) => ruledCommand(text, RULES, parse, () => {});

test.each([
  "terraform destroy",
  "terraform destroy -auto-approve",
  "/usr/bin/terraform destroy",
  "cd infra && sudo -E terraform destroy",
  `bash -c 'terraform destroy'`,
  "echo $(terraform destroy)",
  "find . -exec terraform destroy {} ;",
  "git push --force origin main",
  "git push -f",
  "/opt/x/tool run",
])("denied however it is wrapped: %s", (command) => {
  expect(ruled(command).finding?.id).toBe("policy.command-denied");
});

test.each(["terraform plan", "echo terraform destroy", "git push origin main", "tool run", "terraform"])(
  "not denied: %s",
  (command) => {
    expect(ruled(command).finding).toBeUndefined();
  },
);

test.each(["rm -rf build/out", "git status && make", "git log | git shortlog", "make 2>/dev/null", "make 2>&1"])(
  "allowed as a whole: %s",
  (command) => {
    expect(ruled(command)).toEqual({ isAllowed: true });
  },
);

test.each([
  "rm -rf build/out /",
  "rm -rf build",
  "git status; curl x",
  "git status > /etc/passwd",
  "PATH=/tmp git status",
  "/tmp/git status",
  "sudo make",
  "git $(curl x)",
  'git "$X"',
  "eval git status",
  "make & whoami",
  "git status (",
  "",
])("not allowed as a whole: %s", (command) => {
  expect(ruled(command).isAllowed).toBe(false);
});

test("asking goes before allowing, and a rule's own reason is told", () => {
  expect(ruled("kubectl apply -f x").finding?.id).toBe("policy.command-reviewed");
  const { finding } = ruledCommand("make", { deny: [{ program: "make", reason: "No." }] }, parse, () => {});
  expect(finding).toEqual({ id: "policy.command-denied", reason: "No." });
});

test("patterns take hostile words without running wild", () => {
  expect(isGlob("a*a*a*a*a*a*a*b", "a".repeat(5000))).toBe(false);
  expect(isGlob("*", "")).toBe(true);
  expect(isGlob("--x=*", "--x=1=2")).toBe(true);
});

test("a denied command is blocked and an allowed one passes, whatever the command guard says", async () => {
  const document = { version: 1 as const, commands: RULES };
  const inForce = { document, version: "v", source: { source: "file" as const, version: "v" } };
  const policy = { current: async () => inForce, last: inForce };
  const { defender, decisions } = defenderFixture({ actionGuards: [commandGuard], document: policy });
  const judge = (command: string) =>
    defender.judge({ kind: "command", command, cwd: "/work/x", host: "gateway" }, { origin: "owner" });
  expect(await judge("terraform destroy")).toMatchObject({ verdict: "block", score: 100 });
  expect((await decisions.newest(1))[0]).toMatchObject({ decidedBy: "policy.command-denied", policy: "v" });
  expect((await judge("rm -rf / --no-preserve-root")).verdict).toBe("block");
  expect((await judge("git push origin +main")).verdict).toBe("allow");
});
