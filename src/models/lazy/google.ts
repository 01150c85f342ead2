// Loaded by `import()` alone: the bundler needs a module of our own around a package to keep it out of the start.
import { createGoogle } from "@ai-sdk/google";

export { createGoogle };
