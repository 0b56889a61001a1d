import { Condition } from '../../../shared/condition';
import type { PostgresConnection } from './postgres-connection';

/** Messages that wait while PostgreSQL is slow or unreachable; beyond that the oldest is dropped. */
const MOST_WAITING = 1_000;
/** Messages of one statement. */
const MOST_TOGETHER = 100;

/** Sends messages with as few statements as possible: what is published while one is executed waits for the next. */
export class PostgresPublisher {
  readonly #waiting = new Map<string, string>();
  readonly #idle = new Condition();
  #isScheduled = false;
  #isSending = false;

  constructor(private readonly connection: PostgresConnection) {}

  /** @param key a message replaces the one of the same key that waits */
  publish(key: string, message: string): void {
    this.#waiting.delete(key);
    this.#waiting.set(key, message);
    const [oldest = ''] = this.#waiting.keys();
    if (this.#waiting.size > MOST_WAITING) this.#waiting.delete(oldest);
    this.send();
  }

  /** Sends what waits. */
  send(): void {
    if (this.#isScheduled || this.#isSending || !this.connection.isUp) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      void this.#sendTogether();
    });
  }

  /** Resolves when everything that can be sent now is sent, or after `ms`. */
  async done(ms: number): Promise<void> {
    const deadline = Date.now() + ms;
    while (this.connection.isUp && (this.#isSending || this.#waiting.size > 0) && Date.now() < deadline)
      await this.#idle.wait(deadline - Date.now());
  }

  async #sendTogether(): Promise<void> {
    const batch = [...this.#waiting].slice(0, MOST_TOGETHER);
    if (batch.length === 0 || this.#isSending) return;
    for (const [key] of batch) this.#waiting.delete(key);
    this.#isSending = true;
    const isLost = await this.connection.notify(batch.map(([, message]) => message)).then(
      () => false,
      (error: unknown) => !this.connection.report(error),
    );
    this.#isSending = false;
    if (isLost) this.#putBack(batch);
    else this.send();
    this.#idle.notifyAll();
  }

  /** Before what was published meanwhile, and without what that replaces. The next connection sends it. */
  #putBack(batch: readonly (readonly [string, string])[]): void {
    const newer = [...this.#waiting];
    this.#waiting.clear();
    for (const [key, message] of [...batch, ...newer].slice(-MOST_WAITING)) {
      this.#waiting.delete(key);
      this.#waiting.set(key, message);
    }
  }
}
