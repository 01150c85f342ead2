import type { ThemeFacts, ThemesGetResult, ThemesListResult, ThemesSetParams } from "../../generated/types.ts";
import type { ConfigPort } from "../config/types.ts";
import { invalidRequest } from "../platform/errors.ts";

/** The looks that the page brings along; what they are like, in our words. */
const BUILTIN: readonly [id: string, name: string, description: string][] = [
  ["claw", "Claw", "Warm paper and lobster red, the usual look."],
  ["knot", "Knot", "Black and white with a red accent."],
  ["dash", "Dash", "Brown tones of a field notebook."],
  ["absolutely", "Absolutely", "Soft grey with a terracotta accent."],
  ["tide", "Tide", "Deep sea blue."],
  ["beacon", "Beacon", "Strong contrast for tired eyes."],
  ["phosphor", "Phosphor", "Green letters of an old terminal."],
  ["crt", "CRT", "A tube screen with its lines."],
  ["manuscript", "Manuscript", "Ink on parchment."],
  ["rose", "Rosé", "Dusty rose and gold."],
  ["miami", "Miami", "Neon pink and turquoise."],
];

const THEMES: readonly ThemeFacts[] = BUILTIN.map(([id, name, description]) => ({
  id,
  name,
  description,
  source: "builtin",
  modes: ["light", "dark"],
}));

/** The looks of the page, and the one that the configuration names for everybody (`ui.prefs`). */
export class Themes {
  constructor(private readonly config: ConfigPort) {}

  list(): ThemesListResult {
    const { current, theme } = this.get({});
    return { current, theme, themes: [...THEMES] };
  }

  /** @throws GatewayError for a theme that there is not */
  get({ id }: { id?: string }): ThemesGetResult {
    const { theme = "claw", themeMode = "system" } = this.config.current.ui?.prefs ?? {};
    const known = THEMES.some((each) => each.id === theme) ? theme : "claw";
    return {
      current: { id: known, mode: themeMode, scope: "gateway", overrides: {} },
      theme: themeOf(id ?? known),
    };
  }

  /** A person's own choice needs a person that is known here; nobody is yet. @throws GatewayError always */
  set({ id, mode }: ThemesSetParams): never {
    if (id === undefined && mode === undefined) {
      throw invalidRequest("Set a theme id or mode; use null to restore its default.");
    }
    if (typeof id === "string") themeOf(id);
    throw invalidRequest(
      "Changing themes requires the requesting person's authenticated profile. Ask from your signed-in Control UI.",
    );
  }
}

function themeOf(id: string): ThemeFacts {
  const theme = THEMES.find((each) => each.id === id);
  if (!theme) throw invalidRequest(`Theme ${id} is unavailable. List themes to choose an installed theme.`);
  return theme;
}
