import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Backoff } from "../client/backoff.ts";
import type { Credentials } from "../client/introduction.ts";
import { Config } from "../config/config.ts";
import { silentLogger } from "../platform/logger.ts";
import { type OpenSidecar, openSidecar } from "./create.ts";
import type { Notice, NoticeOf } from "./notice.ts";

/** A sidecar with a state directory of its own, and what it tells. */
export class TestSidecar {
  readonly notices: Notice[] = [];
  private readonly watchers = new Set<() => void>();
  private open: OpenSidecar | undefined;

  constructor(
    readonly stateDir: string,
    private readonly url: string,
  ) {}

  /** Starts it, again after a `stop`. `config` is that of the machine it runs on. */
  async start({
    secret,
    auditOnly = false,
    config = {},
  }: {
    secret?: Credentials;
    auditOnly?: boolean;
    config?: object;
  }): Promise<this> {
    const path = join(this.stateDir, "openclaw.json");
    writeFileSync(path, JSON.stringify(config));
    this.open = openSidecar({
      config: await Config.load({ env: {}, path, stateDir: this.stateDir }),
      url: this.url,
      secret,
      auditOnly,
      log: silentLogger,
      backoff: new Backoff(() => 0, { minMs: 5, maxMs: 50 }),
      tell: (notice) => {
        this.notices.push(notice);
        for (const watcher of [...this.watchers]) watcher();
      },
    });
    this.open.sidecar.start();
    return this;
  }

  get databasePath(): string {
    return this.open!.databasePath;
  }

  get failed(): Promise<never> {
    return this.open!.sidecar.failed;
  }

  all<E extends Notice["event"]>(event: E): NoticeOf<E>[] {
    return this.notices.filter((notice): notice is NoticeOf<E> => notice.event === event);
  }

  /** The `nth` notice of a kind, counted from 0, as soon as there is one. */
  async notice<E extends Notice["event"]>(event: E, nth = 0): Promise<NoticeOf<E>> {
    for (;;) {
      const found = this.all(event)[nth];
      if (found) return found;
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          this.watchers.delete(watcher);
          resolve();
        };
        this.watchers.add(watcher);
      });
    }
  }

  /** What it told of one approval. */
  async approval(id: string): Promise<NoticeOf<"approval">> {
    for (let nth = 0; ; nth++) {
      const notice = await this.notice("approval", nth);
      if (notice.id === id) return notice;
    }
  }

  async stop(): Promise<void> {
    await this.open?.stop();
    this.open = undefined;
  }
}

/** A sidecar that has not been started, for a gateway. */
export const testSidecar = (url: string): TestSidecar =>
  new TestSidecar(mkdtempSync(join(tmpdir(), "chela-sidecar-")), url);

/** Ends it and removes what it kept. */
export async function removeSidecar(sidecar: TestSidecar): Promise<void> {
  await sidecar.stop();
  rmSync(sidecar.stateDir, { recursive: true, force: true });
}
