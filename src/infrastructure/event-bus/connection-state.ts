import { Logger } from '@nestjs/common';
import { Condition } from '../../shared/condition';
import { oneLine } from '../../shared/text';
import { networkCodeOf } from '../network-code';

/** A refusal is logged once in this time, ms: the next message is refused for the same reason. */
const REFUSAL_MS = 60_000;

/** Whether a server is connected. The log has one line when the connection is lost, and one when it is back. */
export class ConnectionState {
  readonly #settled = new Condition();
  #state: 'new' | 'up' | 'down' | 'closed' = 'new';
  #refusedAt = -Infinity;

  /** @param server as in a log line: `Redis at host:port` */
  constructor(
    private readonly logger: Logger,
    private readonly server: string,
  ) {}

  get isUp(): boolean {
    return this.#state === 'up';
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** Resolves when the first connection is made or has failed; without either within `ms` it counts as failed. */
  async first(ms: number): Promise<void> {
    if (this.#state === 'new') await this.#settled.wait(ms);
    if (this.#state === 'new') this.down('no response');
  }

  up(): void {
    if (this.#state === 'down') this.logger.log(`${this.server} is back.`);
    this.#state = 'up';
    this.#settled.notifyAll();
  }

  down(reason: unknown): void {
    if (this.#state === 'down' || this.#state === 'closed') return;
    this.#state = 'down';
    this.logger.warn(`${this.server} cannot be reached (${textOf(reason)}): job events arrive late.`);
    this.#settled.notifyAll();
  }

  /** For errors with which the server answers. The loss of a connection has its own log line. */
  refused({ message }: Error): void {
    if (Date.now() < this.#refusedAt + REFUSAL_MS) return;
    this.#refusedAt = Date.now();
    this.logger.warn(`${this.server} refuses job events: ${oneLine(message, 200)}`);
  }

  close(): void {
    this.#state = 'closed';
    this.#settled.notifyAll();
  }
}

function textOf(reason: unknown): string {
  if (typeof reason === 'string') return reason;
  return networkCodeOf(reason) ?? oneLine(reason instanceof Error ? reason.message : String(reason), 200);
}
