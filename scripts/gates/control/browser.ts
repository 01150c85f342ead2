import { join } from "node:path";
import type { Browser, BrowserContext, ConsoleMessage, Page, WebSocket } from "playwright-core";
import { isHarmless } from "./harmless.ts";

/** A request of the page that the gateway refused. */
export interface Refused {
  method: string;
  message: string;
}

/** A page under watch: everything that goes wrong in it is kept until it is looked at. */
export class WatchedPage {
  /** Refused requests since they were taken last. */
  private refused: Refused[] = [];
  private problems: string[] = [];
  /** Every refusal since the page was opened: how often, by method and message. */
  private readonly refusals = new Map<string, number>();
  /** Hosts that the page opened sockets to. */
  readonly sockets = new Set<string>();
  /** How often each method was answered without an error, since the page was opened. */
  readonly answered = new Map<string, number>();
  /** Requests that wait for their answers, by socket and id. */
  private readonly waiting = new Map<string, string>();
  private lastFrameAt = 0;
  private socketCount = 0;
  /** How many documents the page has shown. */
  private documents = 0;

  private constructor(readonly page: Page) {
    page.on("websocket", (socket) => this.watchSocket(socket));
    page.on("pageerror", (error) => this.problems.push(`uncaught: ${error.message}`));
    // What the page asked for before goes with it; its sockets do not always say that they close.
    page.on("request", (request) => {
      if (!request.isNavigationRequest() || request.frame() !== page.mainFrame()) return;
      this.documents++;
      this.waiting.clear();
    });
    page.on("console", (message) => this.heard(message));
  }

  static async open(context: BrowserContext): Promise<WatchedPage> {
    return new WatchedPage(await context.newPage());
  }

  /** What went wrong since the last look, and what is shown as wrong now. */
  async trouble(): Promise<string[]> {
    const shown = await this.page.evaluate<string[]>(await Bun.file(SHOWN_TROUBLE).text());
    const refused = this.refused.map(({ method, message }) => `refused: ${method}: ${message}`);
    const found = [...this.problems, ...refused, ...shown.map((text) => `shown: ${text}`)];
    this.problems = [];
    this.refused = [];
    return [...new Set(found)].filter((text) => !isHarmless(text));
  }

  /** Every request that was refused since the page was opened: `3 x method: message`. */
  allRefused(): string[] {
    return [...this.refusals].map(([what, count]) => `${count} x ${what}`).sort();
  }

  /** Methods that the page has called and the gateway does not know. */
  unknownMethods(): string[] {
    return [...new Set([...this.refusals.keys()].flatMap((what) => /unknown method: (.*)$/.exec(what)?.[1] ?? []))];
  }

  /** Waits until the page has got an answer to each of the methods since a mark, and nothing has moved for a while. */
  async settled(methods: readonly string[] = [], since: ReadonlyMap<string, number> = new Map()): Promise<void> {
    const missing = () => methods.filter((method) => this.countOf(method) <= (since.get(method) ?? 0));
    for (const end = performance.now() + SETTLE_MS; performance.now() < end; await Bun.sleep(50)) {
      const isQuiet = this.lastFrameAt > 0 && performance.now() - this.lastFrameAt > QUIET_MS;
      if (isQuiet && this.waiting.size === 0 && missing().length === 0) return;
    }
    const open = [...this.waiting.values()];
    throw new Error(
      `not answered within ${SETTLE_MS / 1000} s: ${[...missing(), ...open].join(", ") || "it never stops"}`,
    );
  }

  /** All the text that can be seen. */
  text(within = "body"): Promise<string> {
    // biome-ignore lint/performance/useDomNodeTextContent: what is hidden does not count
    return this.page.locator(within).first().innerText();
  }

  private countOf(method: string): number {
    return this.answered.get(method) ?? 0;
  }

  private refuse(method: string, message: string): void {
    this.refused.push({ method, message });
    const what = `${method}: ${message}`;
    this.refusals.set(what, (this.refusals.get(what) ?? 0) + 1);
  }

  private heard(message: ConsoleMessage): void {
    if (message.type() !== "error") return;
    const { url } = message.location();
    this.problems.push(`console: ${message.text()}${url ? ` (${new URL(url, "http://x").pathname})` : ""}`);
  }

  private watchSocket(socket: WebSocket): void {
    this.sockets.add(new URL(socket.url()).host);
    const number = ++this.socketCount;
    const document = this.documents;
    const keyOf = (frame: Frame): string => `${number} ${frame.id}`;
    socket.on("framesent", ({ payload }) => {
      const frame = parse(payload);
      // A page says a last word while it goes, and nobody waits for the answer.
      if (frame?.type !== "req" || document !== this.documents) return;
      this.lastFrameAt = performance.now();
      this.waiting.set(keyOf(frame), frame.method!);
    });
    socket.on("framereceived", ({ payload }) => {
      const frame = parse(payload);
      if (frame?.type !== "res") return;
      this.lastFrameAt = performance.now();
      const method = this.waiting.get(keyOf(frame)) ?? "?";
      this.waiting.delete(keyOf(frame));
      if (frame.ok === false) this.refuse(method, frame.error?.message ?? "");
      else this.answered.set(method, this.countOf(method) + 1);
    });
    socket.on("close", () => {
      for (const key of this.waiting.keys()) if (key.startsWith(`${number} `)) this.waiting.delete(key);
    });
  }
}

/** Runs in the page, where there are other types than here. */
const SHOWN_TROUBLE = join(import.meta.dir, "shown-trouble.js");
/** Milliseconds within which a view must have got its answers. */
const SETTLE_MS = 15_000;
/** Milliseconds without a request or an answer after which a view counts as loaded. */
const QUIET_MS = 400;

/** Starts a headless Chromium without a sandbox of its own, as it runs in containers. */
export async function launch(executablePath: string): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
}

interface Frame {
  type?: string;
  id?: string;
  method?: string;
  ok?: boolean;
  error?: { message?: string };
}

function parse(payload: string | Buffer): Frame | null {
  try {
    return JSON.parse(payload.toString()) as Frame;
  } catch {
    return null;
  }
}
