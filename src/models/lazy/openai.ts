// Loaded by `import()` alone: the bundler needs a module of our own around a package to keep it out of the start.
import { createOpenAI } from "@ai-sdk/openai";

export { createOpenAI };
