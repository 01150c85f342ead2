/**
 * Words by what they mean in a sentence that talks a model out of its task. Phrases (`phrases.ts`) are written in these
 * classes. Words are lower case; entries of two or three words are joined by a space.
 */
export const CLASSES = {
  ignore:
    "ignore ignoring ignores disregard disregarding disregards forget forgetting discard dismiss abandon unlearn neglect overlook",
  bypass:
    "bypass bypassing override overriding overrule circumvent evade violate violating break breaking remove disable disabling lift drop skip escape unlock deactivate suspend",
  prior:
    "previous previously prior preceding above earlier foregoing former initial initially original existing beginning you|were|given you've|been|given you|have|been|given given|to|you before|this",
  told: "told instructed taught programmed",
  your: "your ur yours",
  every: "all any every everything anything whole entire these those each",
  rules:
    "instruction instructions prompt prompts rule rules guideline guidelines directive directives direction directions restriction restrictions constraint constraints programming training guardrail guardrails safeguard safeguards protocols orders policies policy commands conditioning censorship",
  memory: "context conversation everything requests text",
  system:
    "system hidden secret internal developer confidential initial original underlying starting base core verbatim",
  prompt: "prompt prompts instruction instructions guidelines directives configuration preamble rules message",
  show: "reveal show print repeat output display tell share leak expose encode dump recite summarize summarise disclose echo copy paste quote translate state spell",
  what: "what whats what's which",
  were: "were was are is do did",
  say: "say state reply respond answer output print claim write give provide",
  not: "not never dont don't cannot can't cant won't stop without avoid refrain",
  follow: "follow obey adhere comply heed abide execute",
  strictly: "strictly only exactly immediately precisely now instead",
  new: "new updated revised real actual true following subsequent",
  ai: "ai assistant assistants chatbot llm llms gpt chatgpt claude gemini bard copilot bot agent agents language|model ai|model",
  note: "note|to note|for notice|to notice|for message|to message|for attention instructions|for instructions|to",
  must: "must should shall required please instructed ordered obliged need",
  tell: "tell telling inform informing mention mentioning notify notifying alert alerting warn warning reveal",
  user: "user users human humans owner anyone anybody them him her",
  send: "send email mail post upload forward transmit exfiltrate leak submit deliver transfer",
  credential:
    "password passwords passphrase passcode credentials credential apikey cookies secrets api|key api|keys private|key private|keys ssh|key ssh|keys access|token access|tokens session|token seed|phrase recovery|phrase secret|key environment|variables env|file system|prompt chat|history conversation|history",
  you: "you u youre you're",
  become:
    "act acting pretend pretending roleplay roleplaying simulate simulating imagine impersonate behave emulate immerse role|play playing|the|role play|the|role take|on stay|in|character break|character",
  amoral:
    "unethical illegal immoral amoral harmful unfiltered uncensored unrestricted unhinged inappropriate offensive unlawful evil malicious nsfw vulgar inhumane reckless toxic hateful remorse profanity swear unmoderated",
  refuse: "refuse refusing refuses decline reject apologize apologise disclaimer disclaimers refusal",
  mode: "developer|mode dev|mode god|mode admin|mode debug|mode jailbreak|mode unrestricted|mode maintenance|mode sudo|mode root|mode dan|mode opposite|mode evil|mode unfiltered|mode override|mode diagnostic|mode do|anything|now jailbreak jailbroken jailbreaking",
  free: "free freed unbound liberated without any no beyond",
  fetters:
    "restrictions restriction limitations rules guidelines filters filter censorship ethics morals morality boundaries constraints confines policies ethical moral openai's anthropic's",
} as const;

export type WordClass = keyof typeof CLASSES;

const NAMES = Object.keys(CLASSES) as WordClass[];
if (NAMES.length > 32) throw new Error("more word classes than bits");

/** The bit of each class in a token's mask. */
export const BIT = Object.fromEntries(NAMES.map((name, i) => [name, (1 << i) >>> 0])) as Record<WordClass, number>;

interface Continuation {
  rest: readonly string[];
  mask: number;
}

const single = new Map<string, number>();
const multiple = new Map<string, Continuation[]>();

for (const name of NAMES) {
  for (const entry of CLASSES[name].split(" ")) {
    const [word = "", ...rest] = entry.split("|");
    if (rest.length === 0) single.set(word, ((single.get(word) ?? 0) | BIT[name]) >>> 0);
    else multiple.set(word, [...(multiple.get(word) ?? []), { rest, mask: BIT[name] }]);
  }
}

/** The classes of a word by itself. */
export const maskOf = (word: string): number => single.get(word) ?? 0;

/** Expressions of several words that begin with this one. */
export const continuationsOf = (word: string): readonly Continuation[] => multiple.get(word) ?? NONE;

const NONE: readonly Continuation[] = [];
