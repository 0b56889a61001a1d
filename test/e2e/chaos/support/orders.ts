import { setTimeout } from 'node:timers/promises';
import type { JobDto } from '../../../../src/presentation/shared/jobs/job.dto';
import { type Answer, jsonOf } from './http';
import { newOrder, type Order, type OrderOptions } from './order';
import type { Front } from './front';

/** `later`: the caller does not wait. `picture`: it waits for the bytes. `json`: it waits for base64 in JSON. */
export type Manner = 'later' | 'picture' | 'json';

const HEADERS: Record<Manner, Record<string, string>> = {
  later: { Prefer: 'respond-async' },
  picture: { Accept: 'image/png' },
  json: { Accept: 'application/json' },
};

const TRY_AGAIN_MS = 100;
/** Error codes after which an order is sent again: it was not accepted, or its job has not ended. */
const PASSING = new Set(['backend_unreachable', 'shutting_down', 'storage_failed', 'timeout', 'queue_full']);

/** All orders that were sent to a service, and its responses. */
export class Orders {
  readonly all: Order[] = [];
  /** Violations in the responses. */
  readonly findings: string[] = [];

  constructor(private readonly service: Front) {}

  /** Orders whose response has the id of a job. */
  get accepted(): Order[] {
    return this.all.filter(({ jobId }) => jobId !== undefined);
  }

  add(options?: OrderOptions): Order {
    const order = newOrder(options);
    this.all.push(order);
    return order;
  }

  /** @throws Error unless the job was accepted */
  async submit(options?: OrderOptions): Promise<Order> {
    const order = this.add(options);
    const answer = await this.send(order, 'later');
    if (answer.status !== 202) throw new Error(`Not accepted: ${answer.status} ${answer.body.toString()}`);
    return order;
  }

  submitAll(count: number, options?: OrderOptions): Promise<Order[]> {
    return Promise.all(Array.from({ length: count }, () => this.submit(options)));
  }

  /** Sends an order once and records the response. @throws Error without a response */
  async send(order: Order, manner: Manner): Promise<Answer> {
    const headers = { ...HEADERS[manner], ...(order.key !== undefined && { 'Idempotency-Key': order.key }) };
    const answer = await this.service.call('/generate', { method: 'POST', headers, body: order.body });
    this.#note(order, answer, manner);
    return answer;
  }

  /** Repeats an order until its response is final, as a caller with an Idempotency-Key does, or the service crashes. */
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
