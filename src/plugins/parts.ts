import { PROVIDERS } from "../../generated/catalog.ts";
import { CHANNEL_LABELS } from "../channels/names.ts";
import { SPEECH_PROVIDERS } from "../voice/speech-providers.ts";

/**
 * A part of the gateway that upstream delivers as a plugin: a provider, a channel, a tool. Here it is built in, and
 * `plugins` in the configuration switches it on and off; or it is not there yet and says so.
 */
export interface Part {
  id: string;
  name: string;
  /** One sentence for people. */
  description: string;
  category?: "channel" | "memory" | "provider" | "tool";
  /** Shelves of the catalogue that it stands on. */
  categories: readonly string[];
  kind?: readonly string[];
  channelIds?: readonly string[];
  providers?: readonly string[];
  /** What it does, in upstream's form `contract: id`. */
  contracts?: readonly string[];
  /** Methods of the gateway that are unknown while it is off. */
  methods?: readonly string[];
  /** Why it is not there, when it is not. A channel is there as soon as its transport is. */
  missing?: string;
}

/** What is neither a provider nor a channel. */
const FEATURES: readonly Part[] = [
  {
    id: "browser",
    name: "Browser",
    description: "Works with the browser of a paired node.",
    category: "tool",
    categories: ["web"],
    methods: ["browser.request", "browser.open"],
  },
  {
    id: "canvas",
    name: "Canvas",
    description: "Shows pages on the canvas of a paired node.",
    category: "tool",
    categories: ["documents-files"],
    methods: ["canvas.present"],
  },
  {
    id: "memory-core",
    name: "Memory",
    description: "Searches what agents have written down to remember, by words and by meaning.",
    category: "memory",
    categories: ["memory"],
    kind: ["memory"],
  },
];

/** Every part by id, in the order of their names. */
export const PARTS: ReadonlyMap<string, Part> = new Map(
  [...providers(), ...channels(), ...FEATURES]
    .sort((a, b) => a.name.toLowerCase().localeCompare(b.name.toLowerCase(), "en"))
    .map((part) => [part.id, part] as const),
);

/** The part that has one of its methods, for the methods that are gone while their part is off. */
export const METHOD_OWNERS: ReadonlyMap<string, Part> = new Map(
  [...PARTS.values()].flatMap((part) => (part.methods ?? []).map((method) => [method, part] as const)),
);

function providers(): Part[] {
  const models = Object.entries(PROVIDERS).map(([id, { name, local }]): Part => {
    const isSpeaker = SPEECH_PROVIDERS.some((each) => each.id === id);
    return {
      id,
      name,
      description: `Models of ${local ? "a server on this machine" : "the service"}: ${name}.`,
      category: "provider",
      categories: ["models"],
      providers: [id],
      ...(isSpeaker && { contracts: [`speechProviders: ${id}`] }),
    };
  });
  const speakers = SPEECH_PROVIDERS.filter(({ id }) => !(id in PROVIDERS)).map(
    ({ id, name }): Part => ({
      id,
      name,
      description: `Turns text into speech with ${name}.`,
      categories: ["voice"],
      contracts: [`speechProviders: ${id}`],
    }),
  );
  return [...models, ...speakers];
}

function channels(): Part[] {
  return Object.entries(CHANNEL_LABELS).map(
    ([id, name]): Part => ({
      id,
      name,
      description: `Messages of ${name}.`,
      category: "channel",
      categories: ["channels"],
      channelIds: [id],
    }),
  );
}
