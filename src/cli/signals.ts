/** What a signal asks a running gateway for. */
export type SignalAction = "stop" | "restart";

interface Call {
  signal: string;
  action: SignalAction;
  /** The gateway's own wish, which no setting forbids. */
  isOwn: boolean;
}

const ACTIONS: Readonly<Record<string, SignalAction>> = {
  SIGTERM: "stop",
  SIGINT: "stop",
  SIGHUP: "stop",
  SIGUSR2: "restart",
};

/** A key pressed once can arrive twice: from the terminal, and from the program that started this one. */
const SAME_PRESS_MS = 250;

/** The signals that this process gets. One that stops it is handed out; the next ends the process at once. */
export class Signals {
  private waiting: ((call: Call) => void) | undefined;
  private arrived: Call | undefined;
  private stoppingSince: number | undefined;
  private readonly listener = (signal: string): void => this.received(signal);

  constructor(
    private readonly exit: (code: number) => void = process.exit,
    private readonly now: () => number = () => performance.now(),
  ) {
    for (const signal of Object.keys(ACTIONS)) process.on(signal, this.listener);
  }

  /** The next signal that asks for something. Restarts are not obeyed when they are not allowed. */
  async next(mayRestart: boolean): Promise<{ signal: string; action: SignalAction }> {
    for (;;) {
      const { signal, action, isOwn } = await this.take();
      if (action === "stop" || mayRestart || isOwn) return { signal, action };
    }
  }

  /** Asks for a restart from within, as SIGUSR2 does from outside. One that stops goes first. */
  restart(why: string): void {
    if (this.stoppingSince === undefined) this.deliver({ signal: why, action: "restart", isOwn: true });
  }

  /** The one that came while nobody waited, or the next. */
  private async take(): Promise<Call> {
    const { arrived } = this;
    this.arrived = undefined;
    return arrived ?? (await new Promise<Call>((resolve) => (this.waiting = resolve)));
  }

  close(): void {
    for (const signal of Object.keys(ACTIONS)) process.off(signal, this.listener);
  }

  private received(signal: string): void {
    const action = ACTIONS[signal]!;
    if (this.stoppingSince !== undefined) {
      if (action === "restart" || this.now() - this.stoppingSince < SAME_PRESS_MS) return;
      // What a shell reports of a process that the signal ended.
      this.exit(signal === "SIGINT" ? 130 : signal === "SIGHUP" ? 129 : 143);
      return;
    }
    if (action === "stop") this.stoppingSince = this.now();
    this.deliver({ signal, action, isOwn: false });
  }

  private deliver(call: Call): void {
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting) waiting(call);
    else this.arrived = call;
  }
}
