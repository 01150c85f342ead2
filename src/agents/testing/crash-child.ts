import { startTestGateway } from "../../gateway/testing.ts";
import { mockProvider } from "./chat-gateway.ts";

/** A gateway in a process of its own, to be killed: `bun crash-child.ts STATE_DIR MODEL_BASE_URL` prints its address. */
const [stateDir, baseUrl] = process.argv.slice(2);
const gateway = await startTestGateway({ stateDir, config: mockProvider(baseUrl!) });
console.log(gateway.url);
