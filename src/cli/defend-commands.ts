import type { CommandSpec, OptionSpec } from "./command.ts";
import { JSON_OUTPUT, TARGET, TIMEOUT } from "./common-options.ts";

/** The payloads that the defender has put away. */
const DEFEND_QUARANTINE: readonly CommandSpec[] = [
  {
    path: "defend quarantine list",
    summary: "List the payloads that were blocked",
    options: [
      { name: "limit", value: "<count>", summary: "At most so many", fallback: "50" },
      ...TARGET,
      TIMEOUT,
      JSON_OUTPUT,
    ],
    examples: [["defend quarantine list", "The newest first."]],
    load: () => import("./defend-quarantine.ts"),
  },
  {
    path: "defend quarantine show",
    summary: "Show a payload, credentials masked",
    args: [{ name: "id", summary: "Its id" }],
    options: [...TARGET, TIMEOUT, JSON_OUTPUT],
    examples: [
      ["defend quarantine show 7c9e6679-7425-40de-944b-e07fc1f90ae7", "It was written to attack: read it as data."],
    ],
    load: () => import("./defend-quarantine.ts"),
  },
  {
    path: "defend quarantine release",
    summary: "Let a payload pass from now on",
    args: [{ name: "id", summary: "Its id" }],
    options: [...TARGET, TIMEOUT, JSON_OUTPUT],
    examples: [
      ["defend quarantine release 7c9e6679-7425-40de-944b-e07fc1f90ae7", "Until it is purged or grows too old."],
    ],
    load: () => import("./defend-quarantine.ts"),
  },
  {
    path: "defend quarantine purge",
    summary: "Remove a payload, or all",
    args: [{ name: "id", summary: "Its id, or all" }],
    options: [...TARGET, TIMEOUT, JSON_OUTPUT],
    examples: [["defend quarantine purge all", "Nothing is left, and nothing that was released passes any more."]],
    load: () => import("./defend-quarantine.ts"),
  },
];

const KEY_OPTIONS: readonly OptionSpec[] = [
  { name: "keyring", value: "<path>", summary: "The keyring that the public key enters" },
  { name: "passphrase-file", value: "<path>", summary: "Seal the secret key with the first line of this file" },
  JSON_OUTPUT,
];
const SIGN_OPTIONS: readonly OptionSpec[] = [
  { name: "key", value: "<path>", summary: "The secret key" },
  { name: "passphrase-file", value: "<path>", summary: "Where the key's passphrase stands" },
  { name: "policy-version", value: "<number>", summary: "Grows with each bundle; no gateway goes back" },
  { name: "audience", value: "<names>", summary: "The gateways that it is for, separated by commas", fallback: "*" },
  { name: "days", value: "<count>", summary: "How long it holds", fallback: "90" },
  { name: "not-before", value: "<date>", summary: "From when it holds (otherwise now)" },
  { name: "not-after", value: "<date>", summary: "Until when it holds, in place of --days" },
  JSON_OUTPUT,
];

/** Signed policies: keys and files in the forms of minisign. */
const DEFEND_POLICY: readonly CommandSpec[] = [
  {
    path: "defend policy keygen",
    summary: "Make a pair of keys for signing policies",
    args: [{ name: "name", summary: "Of the files: name.key and name.pub" }],
    options: KEY_OPTIONS,
    examples: [["defend policy keygen ops-2026 --keyring keyring.yaml", "Keep ops-2026.key away from the gateways."]],
    load: () => import("./defend-policy.ts"),
  },
  {
    path: "defend policy sign",
    summary: "Make a signed bundle of a policy",
    args: [{ name: "policy", summary: "The policy's YAML file" }],
    options: [
      ...SIGN_OPTIONS,
      {
        name: "stage",
        value: "<stage>",
        summary: "What it is called in a rollout",
        choices: ["canary", "staged", "full", "rollback"],
      },
      { name: "out", value: "<path>", summary: "The bundle; the signature gets the same name and .minisig" },
    ],
    examples: [
      [
        "defend policy sign policy.yaml --key ops-2026.key --policy-version 7 --out bundle.json",
        "For all gateways, for 90 days.",
      ],
    ],
    load: () => import("./defend-policy.ts"),
  },
  {
    path: "defend policy verify",
    summary: "Tell whether a gateway would take a bundle",
    args: [{ name: "bundle", summary: "The bundle's file" }],
    options: [
      { name: "keyring", value: "<path>", summary: "The gateway's keyring" },
      { name: "signature", value: "<path>", summary: "The signature, when it is not beside the bundle" },
      { name: "audience", value: "<name>", summary: "The gateway's name (otherwise any that is meant by *)" },
      JSON_OUTPUT,
    ],
    examples: [
      [
        "defend policy verify bundle.json --keyring keyring.yaml --audience gate-1",
        "Exit code 1 when it would be refused.",
      ],
    ],
    notes: ["Whether its version goes back is known to the gateway alone."],
    load: () => import("./defend-policy.ts"),
  },
  {
    path: "defend policy rotate",
    summary: "Let a new key take over in a keyring",
    args: [{ name: "name", summary: "Of the new key's files" }],
    options: [
      ...KEY_OPTIONS,
      { name: "overlap-days", value: "<count>", summary: "For which the old keys still sign", fallback: "30" },
    ],
    examples: [["defend policy rotate ops-2027 --keyring keyring.yaml", "Then bring the keyring to every gateway."]],
    load: () => import("./defend-policy.ts"),
  },
  {
    path: "defend policy stage",
    summary: "Prepare a rollout: for a few gateways, for all, and back",
    args: [{ name: "policy", summary: "The new policy's YAML file" }],
    options: [
      ...SIGN_OPTIONS,
      { name: "canary", value: "<names>", summary: "The gateways that get it first" },
      { name: "previous", value: "<path>", summary: "The policy to go back to; signed as the next version" },
      { name: "out", value: "<folder>", summary: "Where bundles and the signed manifest go" },
    ],
    examples: [
      [
        "defend policy stage new.yaml --previous old.yaml --canary gate-1 --key ops-2026.key --policy-version 8 --out rollout",
        "Bundles for canary, staged and rollback.",
      ],
    ],
    load: () => import("./defend-policy.ts"),
  },
];

/** What the defender of a running gateway keeps and says of itself, and the signing of its policies. */
export const DEFEND_COMMANDS: readonly CommandSpec[] = [
  {
    path: "defend records",
    summary: "Check that no decision was taken out of the records",
    options: [...TARGET, TIMEOUT, JSON_OUTPUT],
    examples: [["defend records", "Exit code 1 when a record is missing or was changed."]],
    load: () => import("./defend-records.ts"),
  },
  ...DEFEND_QUARANTINE,
  {
    path: "defend attest",
    summary: "Have the gateway say what is running, signed with its host key",
    options: [
      { name: "nonce", value: "<text>", summary: "What the answer must repeat (otherwise made up)" },
      { name: "out", value: "<path>", summary: "Write the signed report there" },
      ...TARGET,
      { ...TIMEOUT, fallback: "30000" },
      JSON_OUTPUT,
    ],
    examples: [
      ["defend attest --nonce 5f2c91d0 --out report.json", "Executable, configuration and policy by their hashes."],
    ],
    load: () => import("./defend-attest.ts"),
  },
  {
    path: "defend verify",
    summary: "Check a report of defend attest",
    args: [{ name: "report", summary: "The file; - is standard input" }],
    options: [
      { name: "nonce", value: "<text>", summary: "What was asked with" },
      { name: "host-key", value: "<key>", summary: "The host's public key or its id, known from before" },
      { name: "manifest", value: "<path>", summary: "A release's manifest, with its signature beside it as .minisig" },
      { name: "keyring", value: "<path>", summary: "The keys that may sign the manifest" },
      { name: "max-age", value: "<seconds>", summary: "How old the report may be", fallback: "300" },
      JSON_OUTPUT,
    ],
    examples: [
      [
        "defend verify report.json --nonce 5f2c91d0 --host-key 3a17c0de99b2f4e1",
        "Exit code 1 when something is wrong.",
      ],
      [
        "defend verify report.json --nonce 5f2c91d0 --manifest release.json --keyring keys.yaml",
        "And whether the executable is one of a release.",
      ],
    ],
    notes: ["It needs no gateway. Without --host-key any host's report will do."],
    load: () => import("./defend-attest.ts"),
  },
  ...DEFEND_POLICY,
];
