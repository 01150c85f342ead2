import { PROVIDERS } from "../../generated/catalog.ts";
import type { WizardStep } from "../../generated/types.ts";
import { valueAt } from "../config/values.ts";

/** What has been said so far. */
export interface Answers {
  workspace: string;
  /** Id of a provider of the catalogue; absent to leave the models as they are. */
  provider?: string;
  /** Name of the provider's key in the shared store, and its value; absent when it is known already or needs none. */
  keyName?: string;
  key?: string;
  /** `provider/model` */
  model?: string;
  /** The last question was answered with no. */
  isRefused: boolean;
  /** Variables in which keys may be already. */
  env: Readonly<Record<string, string | undefined>>;
}

interface Question {
  /** The step to show, or null when the answers so far make it superfluous. */
  ask(answers: Answers): Omit<WizardStep, "id"> | null;
  /** Notes an answer; returns what is wrong with it, if anything. */
  take(answers: Answers, value: unknown): string | undefined;
}

const MAX_TEXT = 4096;

/** What is known before the first question. */
export function firstAnswers(config: object, env: Answers["env"], workspace?: string): Answers {
  const configured = valueAt(config, ["agents", "defaults", "workspace"]);
  const known = typeof configured === "string" ? configured : "~/.openclaw/workspace";
  return { workspace: workspace?.trim() || known, isRefused: false, env };
}

/** In the order in which they are asked. */
export const QUESTIONS: readonly Question[] = [
  {
    ask: () => ({ type: "note", title: "OpenClaw setup", message: "", executor: "client" }),
    take: () => undefined,
  },
  {
    ask: ({ workspace }) => ({
      type: "text",
      title: "Workspace",
      message: "The directory in which agents work.",
      initialValue: workspace,
      executor: "client",
    }),
    take: (answers, value) => {
      const text = textOf(value);
      if (text === undefined) return "a path is needed";
      answers.workspace = text;
      return undefined;
    },
  },
  {
    ask: () => ({
      type: "select",
      title: "Model provider",
      message: "Whose models answer.",
      options: [
        ...Object.entries(PROVIDERS).map(([id, { name }]) => ({ value: id, label: name })),
        { value: "", label: "Leave as it is" },
      ],
      initialValue: "",
      executor: "client",
    }),
    take: (answers, value) => {
      if (value === "" || value === null || value === undefined) answers.provider = undefined;
      else if (typeof value === "string" && Object.hasOwn(PROVIDERS, value)) answers.provider = value;
      else return "one of the options is needed";
      return undefined;
    },
  },
  {
    ask: (answers) => {
      const names = providerOf(answers)?.keyEnv ?? [];
      if (names.length === 0 || names.some((name) => answers.env[name]?.trim())) return null;
      answers.keyName = names[0];
      const message = `Kept in the store of secrets as ${names[0]}. Leave it empty to set it later.`;
      return { type: "text", title: "API key", message, sensitive: true, executor: "client" };
    },
    take: (answers, value) => {
      answers.key = textOf(value);
      return value === undefined || value === "" || answers.key !== undefined ? undefined : "a text is needed";
    },
  },
  {
    ask: (answers) => {
      const provider = providerOf(answers);
      if (provider === undefined) return null;
      const models = (provider.models ?? []).map(({ id, name }) => ({
        value: `${answers.provider}/${id}`,
        label: name ?? id,
      }));
      const title = "Model";
      if (models.length === 0) return { type: "text", title, message: "Its id at the provider.", executor: "client" };
      return { type: "select", title, options: models, initialValue: models[0]!.value, executor: "client" };
    },
    take: (answers, value) => {
      const text = textOf(value);
      if (text === undefined) return "a model is needed";
      answers.model = text.startsWith(`${answers.provider}/`) ? text : `${answers.provider}/${text}`;
      return undefined;
    },
  },
  {
    ask: ({ workspace, model }) => ({
      type: "confirm",
      title: "Write this?",
      message: `Workspace: ${workspace}\nModel: ${model ?? "as it is"}`,
      initialValue: true,
      executor: "client",
    }),
    take: (answers, value) => {
      if (typeof value !== "boolean") return "yes or no is needed";
      answers.isRefused = !value;
      return undefined;
    },
  },
];

type KnownProvider = (typeof PROVIDERS)[string];

const providerOf = ({ provider }: Answers): KnownProvider | undefined =>
  provider === undefined ? undefined : PROVIDERS[provider];

function textOf(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const text = value.trim();
  return text === "" || text.length > MAX_TEXT ? undefined : text;
}
