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
  /** How long the jobs may still take. */
  readonly withinMs?: number;
  /** How many orders to send again, which must bring the same picture. */
  readonly replays?: number;
  /** How many runs of a job may have ended unseen: when the service or ComfyUI was killed before it was told of, or after ComfyUI had been given up. */
  readonly unseenRuns?: number;
  /** Whether progress may have gone back: who runs a job knows more of it than the others, and more than they ever will when it or Redis is killed. */
  readonly mayProgressGoBack?: boolean;
}

/** How long ComfyUI may still work on something when all jobs have ended. */
const CALM_MS = 20_000;

/** Holds a service to what it was asked and what it answered. */
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
   * Waits until all jobs have ended, and tells all that is not as it must be; nothing, when the service kept its word.
   * Nothing may be killed or started meanwhile: ComfyUI is asked too.
   */
  async findings(options: AuditOptions = {}): Promise<string[]> {
    const { withinMs = 30_000, replays = 2, unseenRuns = 0, mayProgressGoBack = false } = options;
    if (this.service.hasCrashed) return ['the service ended by itself'];
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

  /** All jobs as they are when the last of them has ended, or when the time is up. @throws Error when none is there */
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

  /** What an order became. */
  jobOf({ jobId }: Order): Promise<JobDto> {
    if (jobId === undefined) throw new Error('It was not accepted.');
    return this.service.job(jobId);
  }

  /** Resolves when the job of an order is as wanted. */
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

  /** Every accepted order has its job; every job, also one whose submission was not answered, is whole. */
  async #check(jobs: readonly JobDto[], unseenRuns: number): Promise<string[]> {
    const findings: string[] = [];
    const evidence = { ...(await gatherEvidence(this.backends)), unseenRuns };
    const byId = new Map(this.orders.accepted.map((order) => [order.jobId, order]));
    for (const job of jobs) {
      const order = byId.get(job.id) ?? (await this.#unanswered(job));
      byId.delete(job.id);
      if (order) findings.push(...(await checkJob(order, job, evidence)));
      else findings.push(`${job.id} was never ordered, was refused, or was ordered once and is there twice`);
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
        return ids.map((id) => `prompt ${id} goes on at ${backend.name}`);
      });
    return (await Promise.all(busy)).flat();
  }

  /** Orders whose picture can be fetched once more. */
  #replayable(): Order[] {
    return this.orders.accepted.filter(({ key, endings }) => key !== undefined && endings.join() === 'succeeded');
  }

  async #replay(order: Order, jobs: readonly JobDto[]): Promise<string[]> {
    const job = jobs.find(({ id }) => id === order.jobId);
    const backend = this.backends.find(({ url }) => url === job?.attempts.at(-1)?.backend);
    if (!backend?.isUp || !job) return [];
    const copy = { ...order, picture: undefined };
    const { status } = await this.orders.send(copy, 'picture');
    if (!copy.picture) return [`${order.tag}: sent again it was answered ${status} ${copy.refusal}`];
    if (copy.jobId !== order.jobId) return [`${order.tag}: sent again it was another job`];
    return (await checkPicture(order, copy.picture)).map((finding) => `${order.tag}: sent again it ${finding}`);
  }
}
