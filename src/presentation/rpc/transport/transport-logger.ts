import { Logger } from '@nestjs/common';
import { faultText } from './fault-text';

const REPEAT_AFTER_MS = 60_000;

/**
 * The log of Nest's transports, with one line for each entry and no entry twice within a minute. They log whole errors, with
 * commands, passwords and payloads that drivers attach, texts from callers, and each attempt to reconnect.
 */
export class TransportLogger extends Logger {
  readonly #logged = new Map<string, number>();

  constructor() {
    super('Microservice');
  }

  override error(message: unknown): void {
    this.#once(message, (line) => super.error(line));
  }

  override warn(message: unknown): void {
    this.#once(message, (line) => super.warn(line));
  }

  override log(message: unknown): void {
    this.#once(message, (line) => super.log(line));
  }

  override debug(message: unknown): void {
    this.#once(message, (line) => super.debug(line));
  }

  #once(message: unknown, write: (line: string) => void): void {
    const line = faultText(message);
    const now = Date.now();
    for (const [text, at] of this.#logged) if (now - at >= REPEAT_AFTER_MS) this.#logged.delete(text);
    if (this.#logged.has(line) || this.#logged.size > 100) return;
    this.#logged.set(line, now);
    write(line);
  }
}
