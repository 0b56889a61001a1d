import { setTimeout } from 'node:timers/promises';
import type { JobDto } from '../../../../src/presentation/shared/jobs/job.dto';
import { type Answer, jsonOf } from './http';
import { newOrder, type Order, type OrderOptions } from './order';
import type { Front } from './front';

/** `later`: the job is taken, and that is all. `picture`: the caller waits for it. `json`: the same, in base64. */
export type Manner = 'later' | 'picture' | 'json';

const HEADERS: Record<Manner, Record<string, string>> = {
  later: { Prefer: 'respond-async' },
  picture: { Accept: 'image/png' },
  json: { Accept: 'application/json' },
};

const TRY_AGAIN_MS = 100;
/** Answers after which the same order may be sent again: nothing was taken, or the caller goes on waiting. */
const PASSING = new Set(['backend_unreachable', 'shutting_down', 'storage_failed', 'timeout', 'queue_full']);

/** All that was ordered of a service, and what it said. */
export class Orders {
  readonly all: Order[] = [];
  /** What must not happen, whatever becomes of the jobs. */
  readonly findings: string[] = [];

  constructor(private readonly service: Front) {}

  /** Orders that the service is bound to: it named their job, or gave the picture. */
  get accepted(): Order[] {
    return this.all.filter(({ jobId }) => jobId !== undefined);
  }

  add(options?: OrderOptions): Order {
    const order = newOrder(options);
    this.all.push(order);
    return order;
  }

  /** @throws Error unless the job was taken */
  async submit(options?: OrderOptions): Promise<Order> {
    const order = this.add(options);
    const answer = await this.send(order, 'later');
    if (answer.status !== 202) throw new Error(`Not accepted: ${answer.status} ${answer.body.toString()}`);
    return order;
  }

  submitAll(count: number, options?: OrderOptions): Promise<Order[]> {
    return Promise.all(Array.from({ length: count }, () => this.submit(options)));
  }

  /** Sends an order once and takes down what is answered. @throws Error without an answer */
  async send(order: Order, manner: Manner): Promise<Answer> {
    const headers = { ...HEADERS[manner], ...(order.key !== undefined && { 'Idempotency-Key': order.key }) };
    const answer = await this.service.call('/generate', { method: 'POST', headers, body: order.body });
    this.#note(order, answer, manner);
    return answer;
  }

  /** Sends an order until it is answered for good, as a caller does who has an Idempotency-Key; until the service ends by itself. */
  async insist(order: Order, manner: Manner): Promise<void> {
    while (!this.service.hasCrashed) {
      const answer = await this.send(order, manner).catch(() => undefined);
      if (answer && !PASSING.has(order.refusal ?? '')) return;
      await setTimeout(TRY_AGAIN_MS);
    }
  }

  #note(order: Order, answer: Answer, manner: Manner): void {
    order.refusal = undefined;
    if (answer.status === 202) this.#bind(order, (jsonOf(answer) as JobDto).id);
    else if (answer.status === 200) {
      this.#bind(order, String(answer.headers['x-job-id']));
      order.picture =
        manner === 'json' ? Buffer.from((jsonOf(answer) as { image: string }).image, 'base64') : answer.body;
    } else {
      const { code, jobId } = jsonOf(answer) as { code: string; jobId?: string };
      order.refusal = code;
      if (jobId !== undefined) this.#bind(order, jobId);
    }
  }

  #bind(order: Order, jobId: string): void {
    if (order.jobId !== undefined && order.jobId !== jobId)
      this.findings.push(`${order.tag}: one key gave two jobs, ${order.jobId} and ${jobId}`);
    order.jobId = jobId;
  }
}
