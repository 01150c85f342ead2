/** What the page may report without anything being wrong, and why. Upstream's own gateway is met with each of them. */
const HARMLESS: readonly { pattern: RegExp; because: string }[] = [
  {
    pattern:
      /^console: Failed to load resource: .* 404 .*\((\/api\/users\/[^/]+\/avatar|\/avatar\/[^/]+|\/__openclaw__\/workspace-icon\/.*)\)$/,
    because: "Pictures that nobody has set are 404; the page then draws initials.",
  },
  {
    pattern: /^shown: Unsupported schema node\. Use Raw mode\.$/,
    because: "The page's form has no control for some settings, such as maps of unions.",
  },
  {
    pattern: /^shown: No credentials$/,
    because: "What the page says of a GitHub account where none is set up.",
  },
  {
    pattern: /^console: Failed to load resource: .* 401 .*\((\/__openclaw\/control-ui-config\.json|\/avatar\/[^/]+)\)$/,
    because: "February's page asks for its configuration and a picture without credentials, and goes on without them.",
  },
  {
    pattern: /^console: Failed to load resource: net::ERR_\w+ \(\/css2\)$/,
    because: "February's page asks Google for its fonts, which a machine without internet does not reach.",
  },
  {
    pattern: /^refused: plugins\.list: invalid handshake: first request must be connect$/,
    because: "The page sometimes asks for its icons before it has introduced itself, and asks again.",
  },
  {
    pattern: /^shown: (this gateway has no memory search|Unavailable)$/,
    because: "What the page says of memory where no memory search is there.",
  },
  {
    pattern: /^refused: skills\.search: /,
    because: "Looks in a registry on the internet, which a machine without it does not reach.",
  },
];

export const isHarmless = (text: string): boolean => HARMLESS.some(({ pattern }) => pattern.test(text));
