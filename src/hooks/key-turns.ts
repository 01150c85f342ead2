import { LIMITS } from "../../generated/limits.ts";
import { HookRefusal } from "./refusal.ts";

/** Lets those who share a key go one after another, in the order in which they came. */
export class KeyTurns {
  private readonly tails = new Map<string, Promise<void>>();
  private waitingNow = 0;

  get waiting(): number {
    return this.waitingNow;
  }

  /**
   * Waits until those before are done. The function returned ends the turn.
   * @throws HookRefusal 503 when the deadline comes first, or too many wait
   */
  async take(key: string, deadline: AbortSignal): Promise<() => void> {
    if (this.waitingNow >= LIMITS.hookRunsWaiting) throw new HookRefusal(503, "too many hook runs are waiting");
    const before = this.tails.get(key);
    const { promise: mine, resolve: done } = Promise.withResolvers<void>();
    const tail = (before ?? Promise.resolve()).then(() => mine);
    this.tails.set(key, tail);
    void tail.then(() => {
      if (this.tails.get(key) === tail) this.tails.delete(key);
    });
    if (before === undefined) return done;
    this.waitingNow++;
    try {
      await until(before, deadline);
      return done;
    } catch (error) {
      done();
      throw error;
    } finally {
      this.waitingNow--;
    }
  }
}

function until(event: Promise<void>, deadline: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new HookRefusal(503, "the session is busy; the run was not admitted in time"));
    if (deadline.aborted) late();
    else deadline.addEventListener("abort", late, { once: true });
    void event.then(() => {
      deadline.removeEventListener("abort", late);
      resolve();
    });
  });
}
