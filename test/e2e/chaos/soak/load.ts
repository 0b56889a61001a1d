import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import type { Dice } from '../support/dice';
import { open } from '../support/http';
import type { Order } from '../support/order';
import type { Manner } from '../support/orders';
import type { Rig } from '../support/rig';
import { Tally } from './tally';

const CALLERS = 12;
const PAUSE_MS = 100;
const WAIT_MS = 120_000;
const REPLAYED = 200;

type Habit = (order: Order) => Promise<void>;

/** Callers of every kind, each with one order at a time. */
export class Load {
  readonly calls = new Tally();
  readonly findings: string[] = [];
  readonly #habits: readonly (readonly [string, Habit])[] = [
    ['picture', (order) => this.#insist(order, 'picture')],
    ['json', (order) => this.#insist(order, 'json')],
    ['later', (order) => this.#insist(order, 'later')],
    ['later, watched', (order) => this.#watch(order)],
    ['event stream', (order) => this.#stream(order)],
    ['canceled', (order) => this.#cancel(order)],
    ['sent again', (order) => this.#sendAgain(order)],
  ];
  #isOver = false;
  readonly #callers: Promise<void>[];

  constructor(
    private readonly rig: Rig,
    private readonly dice: Dice,
  ) {
    this.#callers = Array.from({ length: CALLERS }, () => this.#work());
  }

  /** Resolves when the last caller has its response, or after the time. */
  async end(): Promise<void> {
    this.#isOver = true;
    const tooLate = setTimeout(WAIT_MS, 'too late', { ref: false });
    if ((await Promise.race([Promise.all(this.#callers), tooLate])) === 'too late')
      this.findings.push('callers have no response');
  }

  async #work(): Promise<void> {
    while (!this.#isOver) {
      const [name, habit] = this.dice.pick(this.#habits);
      this.calls.count(name);
      await habit(this.#order());
      await setTimeout(this.dice.between(0, PAUSE_MS));
    }
  }

  /** A job may fail if its GPU runs out of memory twice, for no other reason. */
  #order(): Order {
    const { dice } = this;
    const priority = dice.chance(0.3) ? Math.round(dice.between(-100, 100)) : 0;
    const endings = ['succeeded', 'out_of_memory'] as const;
    return this.rig.orders.add({ seconds: dice.between(0, 0.5), steps: 3, priority, endings });
  }

  #insist(order: Order, manner: Manner): Promise<void> {
    return this.rig.orders.insist(order, manner);
  }

  async #watch(order: Order): Promise<void> {
    await this.#insist(order, 'later');
    const until = Date.now() + WAIT_MS;
    while (Date.now() < until) {
      const events = await this.#read(`/jobs/${order.jobId}/events`).catch(() => '');
      if (events.includes('event: end\n')) return;
      await setTimeout(PAUSE_MS);
    }
    this.findings.push(`${order.tag}: its viewer did not receive its end`);
  }

  /** Reads the stream once: a caller that loses it finds the job by its key. */
  async #stream(order: Order): Promise<void> {
    const headers = { Accept: 'text/event-stream', 'Idempotency-Key': order.key ?? '' };
    const events = await this.#read('/generate', headers, order.body).catch(() => '');
    if (events.split(/^event: (?:result|error)$/m).length > 2)
      this.findings.push(`${order.tag}: its stream had two ends`);
    await this.#insist(order, 'picture');
  }

  async #cancel(order: Order): Promise<void> {
    order.endings = [...order.endings, 'canceled'];
    await this.#insist(order, 'later');
    await setTimeout(this.dice.between(0, 500));
    await this.rig.service.cancel(order.jobId ?? '').catch(() => undefined);
  }

  async #sendAgain(order: Order): Promise<void> {
    await Promise.all([1, 2, 3].map(() => this.#insist(order, 'picture')));
    const earlier = this.dice.pick(this.rig.orders.accepted.slice(-REPLAYED));
    if (earlier.endings.includes('canceled')) return;
    await this.#insist(earlier, 'json');
  }

  async #read(path: string, headers?: Record<string, string>, body?: object): Promise<string> {
    const method = body ? 'POST' : 'GET';
    return text(await open(this.rig.service.url + path, { method, headers, body, timeoutMs: WAIT_MS }));
  }
}
