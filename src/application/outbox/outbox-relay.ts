import { Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import type { OutboxTiming } from '../../options/timing';
import { backoff } from '../../shared/backoff';
import { oneLine } from '../../shared/text';
import type { PeriodicTasks } from '../maintenance/periodic-tasks';
import { DeliveryError, type OutboxConsumer } from './outbox-consumer';
import type { OutboxRepository } from './outbox-repository';

const ENTRIES_PER_BATCH = 50;

/** Delivers the outbox to its consumers. Whatever happens there never concerns the jobs. */
export class OutboxRelay implements OnModuleInit, OnApplicationBootstrap {
  readonly #logger = new Logger(OutboxRelay.name);
  /** In a row, by consumer. */
  readonly #failures = new Map<OutboxConsumer, { readonly count: number; readonly kind: string }>();

  constructor(
    private readonly consumers: readonly OutboxConsumer[],
    private readonly outbox: OutboxRepository,
    private readonly tasks: PeriodicTasks,
    private readonly timing: OutboxTiming,
  ) {}

  /** @throws DeliveryError when the operator must correct something; an unreachable consumer is waited for */
  async onModuleInit(): Promise<void> {
    for (const consumer of this.consumers) {
      try {
        await consumer.check(this.tasks.signal);
      } catch (error) {
        if (!(error instanceof DeliveryError) || error.failure !== 'outage') throw error;
        this.#failed(consumer, error);
      }
    }
  }

  onApplicationBootstrap(): void {
    for (const consumer of this.consumers)
      this.tasks.start({
        failure: `Outbox entries for ${consumer.name} cannot be delivered`,
        interval: this.timing.interval,
        leaderOnly: true,
        run: (signal) => this.#deliver(consumer, signal).catch((error: unknown) => this.#failed(consumer, error)),
      });
  }

  /** @returns the pause until the next delivery, ms */
  async #deliver(consumer: OutboxConsumer, signal: AbortSignal): Promise<number> {
    const due = await this.outbox.due(consumer.name, Date.now(), ENTRIES_PER_BATCH);
    const delivered = await consumer.deliver(due, signal);
    if (delivered > 0) this.#succeeded(consumer);
    return delivered < ENTRIES_PER_BATCH ? this.timing.interval : 0;
  }

  #succeeded(consumer: OutboxConsumer): void {
    if (this.#failures.delete(consumer)) this.#logger.log(`Outbox entries for ${consumer.name} are delivered again`);
  }

  /** Logged once until it works again, or fails in another way. @returns the pause until the next delivery, ms */
  #failed(consumer: OutboxConsumer, error: unknown): number {
    if (this.tasks.signal.aborted) return 0;
    const { code, message, cause } = toComfyUIError(error);
    const kind = error instanceof DeliveryError ? error.failure : code;
    const earlier = this.#failures.get(consumer);
    if (earlier?.kind !== kind) {
      this.#logger.warn(`Entries for ${consumer.name} wait in the outbox: ${oneLine(message)}`);
      if (code === 'internal_error') this.#logger.error(cause);
    }
    const count = earlier?.count ?? 0;
    this.#failures.set(consumer, { count: count + 1, kind });
    return backoff(count, this.timing.outage);
  }
}
