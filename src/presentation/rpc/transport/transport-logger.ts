import { Logger } from '@nestjs/common';
import { faultText } from './fault-text';

const AGAIN_AFTER_MS = 60_000;

/**
 * What Nest's transports log, on one line each and never twice within a minute: they log whole errors, on which drivers
 * hang commands with passwords and payloads, texts from callers, and each of the tries to connect again.
 */
export class TransportLogger extends Logger {
  readonly #told = new Map<string, number>();

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
    for (const [told, at] of this.#told) if (now - at >= AGAIN_AFTER_MS) this.#told.delete(told);
    if (this.#told.has(line) || this.#told.size > 100) return;
    this.#told.set(line, now);
    write(line);
  }
}
