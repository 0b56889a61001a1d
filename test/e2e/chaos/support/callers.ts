import { setTimeout } from 'node:timers/promises';
import type { Dice } from './dice';
import type { Order, OrderOptions } from './order';
import type { Manner, Orders } from './orders';

const MANNERS: readonly Manner[] = ['later', 'later', 'picture', 'json'];
const PAUSE_MS = 30;

/** Callers that order one picture after the other through every outage: those with a key repeat their requests, the others do not. */
export class Callers {
  #isClosing = false;
  readonly #callers: Promise<void>[];

  constructor(
    private readonly orders: Orders,
    private readonly dice: Dice,
    private readonly options: { readonly count: number; readonly order?: () => OrderOptions },
  ) {
    this.#callers = Array.from({ length: options.count }, () => this.#work());
  }

  /** Resolves when the last requests have their responses. */
  async leave(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#callers);
  }

  async #work(): Promise<void> {
    while (!this.#isClosing) {
      const isKeyed = this.dice.chance(0.5);
      const manner = this.dice.pick(MANNERS);
      const order = this.orders.add({ ...this.options.order?.(), isKeyed });
      if (isKeyed) await this.#insist(order, manner);
      else await this.orders.send(order, manner).catch(() => undefined);
      await setTimeout(PAUSE_MS);
    }
  }

  /** A proxy or client may send the same order several times at once. */
  async #insist(order: Order, manner: Manner): Promise<void> {
    const times = this.dice.chance(0.2) ? 3 : 1;
    await Promise.all(Array.from({ length: times }, () => this.orders.insist(order, manner)));
  }
}
