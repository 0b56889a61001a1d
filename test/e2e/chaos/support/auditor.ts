import type { Workflow } from '../../../../src/domain/workflow/workflow';
import type { JobDto } from '../../../../src/presentation/shared/jobs/job.dto';
import type { ComfyUIProcess } from './comfyui-process';
import { checkJob, checkPicture, gatherEvidence } from './delivery';
import { isEnded, JobWatch } from './job-watch';
import { type Order, tagOf } from './order';
import { Orders } from './orders';
import type { Front } from './front';
import { until } from './until';

export interface AuditOptions {
  /** Time in which all jobs must end. */
  readonly withinMs?: number;
  /** Orders that are sent once more and must return the same picture. */
  readonly replays?: number;
  /** Runs of each job that the service may have missed: it or ComfyUI was killed before the end was reported, or ComfyUI counted as lost. */
  readonly unseenRuns?: number;
  /** Whether progress may go back: the process that runs a job has progress that is lost when it or Redis is killed. */
  readonly mayProgressGoBack?: boolean;
}

/** Time in which the queues of ComfyUI must be empty after all jobs ended. */
const CALM_MS = 20_000;

/** Compares what a service accepted and returned with its jobs and with what ComfyUI ran. */
export class Auditor {
  readonly orders: Orders;
  readonly #watch: JobWatch;

  constructor(
    private readonly service: Front,
    private readonly backends: readonly ComfyUIProcess[],
  ) {
    this.orders = new Orders(service);
    this.#watch = new JobWatch(service);
  }

  close(): Promise<void> {
    return this.#watch.stop();
  }

  /**
   * Waits until all jobs have ended. @returns every violation as a sentence, none if the service is correct.
   * No process may be killed or started meanwhile: the state of ComfyUI is read too.
   */
  async findings(options: AuditOptions = {}): Promise<string[]> {
    const { withinMs = 30_000, replays = 2, unseenRuns = 0, mayProgressGoBack = false } = options;
    if (this.service.hasCrashed) return ['the service crashed'];
    const jobs = await this.ended(withinMs);
    const unended = jobs.filter((job) => !isEnded(job)).map((job) => `${job.id} is still ${JSON.stringify(job)}`);
    if (unended.length > 0) return unended;
    const findings = await this.#check(jobs, unseenRuns);
    findings.push(...(await this.#busyBackends()));
    for (const order of this.#replayable().slice(-replays)) findings.push(...(await this.#replay(order, jobs)));
    for (const job of await this.service.jobs()) this.#watch.see(job);
    if (!mayProgressGoBack) findings.push(...this.#watch.setbacks);
    return [...findings, ...this.orders.findings, ...this.#watch.findings];
  }

  /** All jobs when the last of them has ended, or after the time. @throws Error if there are none */
  async ended(withinMs: number): Promise<JobDto[]> {
    let jobs: JobDto[] = [];
    const look = async () => {
      jobs = await this.service.jobs();
      return jobs.every(isEnded);
    };
    await until('all jobs have ended', look, withinMs).catch((error: unknown) => {
      if (jobs.length === 0) throw error;
    });
    return jobs;
  }

  /** The job of an order. */
  jobOf({ jobId }: Order): Promise<JobDto> {
    if (jobId === undefined) throw new Error('The order was not accepted.');
    return this.service.job(jobId);
  }

  /** Resolves with the job of an order when the condition holds. */
  until(order: Order, holds: (job: JobDto) => boolean, ms?: number): Promise<JobDto> {
    return until(
      `a state of ${order.tag}`,
      async () => {
        const job = await this.jobOf(order);
        return holds(job) && job;
      },
      ms,
    );
  }

  /** Every accepted order has its job; every job, also one whose submission had no response, is complete. */
  async #check(jobs: readonly JobDto[], unseenRuns: number): Promise<string[]> {
    const findings: string[] = [];
    const evidence = { ...(await gatherEvidence(this.backends)), unseenRuns };
    const byId = new Map(this.orders.accepted.map((order) => [order.jobId, order]));
    for (const job of jobs) {
      const order = byId.get(job.id) ?? (await this.#unanswered(job));
      byId.delete(job.id);
      if (order) findings.push(...(await checkJob(order, job, evidence)));
      else findings.push(`${job.id} was never ordered, was refused, or was ordered once and exists twice`);
    }
    for (const { tag, jobId } of byId.values()) findings.push(`${tag} was accepted as ${jobId}, which is lost`);
    return findings;
  }

  async #unanswered({ id }: JobDto): Promise<Order | undefined> {
    const tag = tagOf(await this.service.get<Workflow>(`/jobs/${id}/workflow`));
    const isOpen = ({ jobId, refusal }: Order) => jobId === undefined && refusal === undefined;
    const order = this.orders.all.find((one) => one.tag === tag && isOpen(one));
    if (order) order.jobId = id;
    return order;
  }

  async #busyBackends(): Promise<string[]> {
    const busy = this.backends
      .filter(({ isUp }) => isUp)
      .map(async (backend) => {
        let ids: string[] = [];
        const isCalm = async () => {
          const { running, pending } = await backend.queue();
          ids = [...running, ...pending].map(([, id]) => id);
          return ids.length === 0;
        };
        await until('nothing is queued', isCalm, CALM_MS).catch(() => undefined);
        return ids.map((id) => `prompt ${id} is still queued at ${backend.name}`);
      });
    return (await Promise.all(busy)).flat();
  }

  /** Orders that can be sent once more. */
  #replayable(): Order[] {
    return this.orders.accepted.filter(({ key, endings }) => key !== undefined && endings.join() === 'succeeded');
  }

  async #replay(order: Order, jobs: readonly JobDto[]): Promise<string[]> {
    const job = jobs.find(({ id }) => id === order.jobId);
    const backend = this.backends.find(({ url }) => url === job?.attempts.at(-1)?.backend);
    if (!backend?.isUp || !job) return [];
    const copy = { ...order, picture: undefined };
    const { status } = await this.orders.send(copy, 'picture');
    if (!copy.picture) return [`${order.tag}: sent again, the response is ${status} ${copy.refusal}`];
    if (copy.jobId !== order.jobId) return [`${order.tag}: sent again, it is another job`];
    return (await checkPicture(order, copy.picture)).map((finding) => `${order.tag}: sent again, it ${finding}`);
  }
}
