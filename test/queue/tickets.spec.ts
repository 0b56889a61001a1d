import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { PRIORITY_STEP_MS, type Ticket } from '../../src/application/jobs/job-queue';
import { newJob, recordOf } from '../../src/domain/job/job-state';
import type { Job } from '../../src/domain/job/job';
import type { BullJobQueue } from '../../src/infrastructure/queue/bull-job-queue';
import { BullQueueConnection } from '../../src/infrastructure/queue/bull-queue-connection';
import { writeJobWord } from '../../src/infrastructure/queue/job-word';
import { waitingJob, WORKFLOW } from '../store/jobs';
import { eventually } from '../support/eventually';
import { startTaker } from './processes';
import { describeOnRedis, onRedis, redisUrl } from './redis-server';

describeOnRedis('tickets on Redis', () => {
  const url = redisUrl(12);
  let connections: BullQueueConnection[];
  let queue: BullJobQueue;
  let other: BullJobQueue;

  async function open(where = url): Promise<BullQueueConnection> {
    const connection = await BullQueueConnection.open({ redisUrl: where });
    connections.push(connection);
    return connection;
  }

  beforeEach(async () => {
    connections = [];
    await onRedis(url, (client) => client.flushdb());
    queue = (await open()).queue;
    other = (await open()).queue;
  });

  afterEach(async () => {
    await Promise.all(connections.map((each) => each.onApplicationShutdown()));
  });

  async function offered(...all: Parameters<typeof waitingJob>[0][]): Promise<Job[]> {
    const jobs = all.map((fields) => waitingJob({ queuedAt: Date.now(), ...fields }));
    await queue.offer(jobs);
    return jobs;
  }

  /** The same job so many steps of waiting later. */
  const later = (job: Job, steps: number): Job => ({ ...job, queuedAt: job.queuedAt - steps * PRIORITY_STEP_MS });

  async function takeAll(from = queue): Promise<string[]> {
    const ids: string[] = [];
    for (let ticket = await from.next([]); ticket; ticket = await from.next([])) {
      ids.push(ticket.jobId);
      await from.settle(ticket);
    }
    return ids;
  }

  const loseLock = ({ jobId }: Ticket) => onRedis(url, (client) => client.del(`comfyui:tickets:${jobId}:lock`));

  describe('offer', () => {
    it('moves a ticket to the band that it has come to by waiting', async () => {
      const [high, low] = (await offered({ priority: 5 }, { priority: 0 })) as [Job, Job];
      await queue.offer([later(low, 6)]);
      expect(await takeAll()).toEqual([low.id, high.id]);
    });

    it('moves it once, whoever offers: its place in the band stays', async () => {
      const jobs = await offered({}, {}, {});
      await queue.offer(jobs.map((job) => later(job, 2)));
      for (const each of [other, queue]) await each.offer([later(jobs[0]!, 2), later(jobs[1]!, 2)]);
      expect(await takeAll()).toEqual(jobs.map(({ id }) => id));
    });

    it('makes no second ticket of one in hand, and does it no harm', async () => {
      const [job] = (await offered({})) as [Job];
      const ticket = await queue.next([]);
      await other.offer([later(job, 3)]);
      expect(await other.next([])).toBeUndefined();
      expect(await queue.tickets()).toBe(1);
      await queue.settle(ticket!);
      expect(await queue.tickets()).toBe(0);
    });

    it('makes no second ticket of one that was put back; it comes back to its new band', async () => {
      const [job] = (await offered({})) as [Job];
      await queue.putBack((await queue.next([]))!);
      await other.offer([later(job, 6)]);
      const [high] = (await offered({ priority: 5 })) as [Job];
      expect(await queue.tickets()).toBe(2);
      await setTimeout(600);
      expect(await takeAll()).toEqual([job.id, high.id]);
    });

    it('gives back the tickets that got lost, many at once', async () => {
      const jobs = await offered(...Array.from({ length: 1_000 }, () => ({})));
      await onRedis(url, (client) => client.flushdb());
      await queue.offer(jobs);
      expect(await queue.tickets()).toBe(1_000);
      expect((await queue.next([]))?.jobId).toBe(jobs[0]!.id);
    });

    it('of nothing is nothing', async () => {
      await queue.offer([]);
      expect(await queue.tickets()).toBe(0);
    });
  });

  describe('next', () => {
    it('gives no ticket to two', async () => {
      const jobs = await offered(...Array.from({ length: 40 }, () => ({})));
      const takes = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? queue : other).next([]));
      const taken = (await Promise.all(takes)).flatMap((ticket) => ticket?.jobId ?? []);
      expect(taken.sort()).toEqual(jobs.map(({ id }) => id).sort());
    });

    it('passes over a bounded number of tickets, which are then behind the others', async () => {
      await offered(...Array.from({ length: 60 }, () => ({ labels: ['rare'] })));
      const [common] = (await offered({})) as [Job];
      const stuck = (await queue.next([]))!;
      expect(await queue.next([stuck.requirementsKey])).toBeUndefined();
      expect(await onRedis(url, (client) => client.zcard('comfyui:tickets:delayed'))).toBe(50);
      expect(await queue.next([stuck.requirementsKey])).toMatchObject({ jobId: common.id });
      expect(await queue.tickets()).toBe(61);
    });
  });

  describe('a ticket in hand', () => {
    it('comes back when the process that took it was killed', async () => {
      const [job] = (await offered({})) as [Job];
      const taker = await startTaker(url);
      expect(taker.told).toEqual({ jobId: job.id });
      await taker.kill();
      expect(await queue.next([])).toBeUndefined();
      await eventually(async () => expect(await queue.next([])).toMatchObject({ jobId: job.id }), 15_000);
    });

    it('is settled also when its lock is over', async () => {
      await offered({});
      const ticket = (await queue.next([]))!;
      await loseLock(ticket);
      await queue.settle(ticket);
      expect(await queue.tickets()).toBe(0);
      await queue.settle(ticket);
    });

    it('is another’s when that one has taken it since', async () => {
      const [job] = (await offered({})) as [Job];
      const ours = (await queue.next([]))!;
      await loseLock(ours);
      let theirs: Ticket | undefined;
      await eventually(async () => expect((theirs = await other.next([]))).toMatchObject({ jobId: job.id }));
      await queue.settle(ours);
      expect(await queue.tickets()).toBe(1);
      await other.settle(theirs!);
      expect(await queue.tickets()).toBe(0);
    });

    it('is put back without an error when it is not ours any more', async () => {
      await offered({}, {});
      const [first, second] = [(await queue.next([]))!, (await queue.next([]))!];
      await loseLock(first);
      await queue.putBack(first);
      await onRedis(url, (client) => client.flushdb());
      await queue.putBack(second);
      expect(await queue.tickets()).toBe(0);
    });

    it('goes back at once, to the front, when the process ends', async () => {
      const [first, second] = (await offered({}, {})) as [Job, Job];
      const ending = await open();
      expect(await ending.queue.next([])).toMatchObject({ jobId: first.id });
      await ending.onApplicationShutdown();
      expect(await takeAll()).toEqual([first.id, second.id]);
    });
  });

  describe('the bell', () => {
    let rings: number;

    beforeEach(() => {
      rings = 0;
      other.onOffer(() => (rings += 1));
    });

    describe('a job that has come', () => {
      let told: Parameters<Parameters<BullJobQueue['onTold']>[0]>[];

      beforeEach(() => {
        told = [];
        other.onTold((...job) => told.push(job));
      });

      const says = async (message: string) => {
        const channel = 'comfyui:12:offered';
        await onRedis(url, (client) => client.publish(channel, `${randomUUID()} ${message}`));
      };

      it('is told of whole, before it has a ticket', async () => {
        const workflow = {
          '10': { class_type: 'B', inputs: {} },
          '2': { class_type: 'A', inputs: { seed: 2n ** 64n } },
        };
        const job = newJob({ id: randomUUID(), workflow, queuedAt: Date.now(), label: 'a\nb', labels: ['big'] });
        queue.tell({ job, workflow });
        await eventually(() => expect(told).toEqual([[job.id, { job: recordOf(job), workflow }]]), 1_000);
        expect([rings, await queue.tickets()]).toEqual([0, 0]);
        await queue.offer([job]);
        await eventually(() => expect(rings).toBe(1), 1_000);
        expect(told).toHaveLength(1);
      });

      it('is told of by its id when it is large', async () => {
        const job = waitingJob();
        const node = (text: string) => ({ class_type: 'Text', inputs: { text } });
        queue.tell({ job, workflow: { '1': node('x'.repeat(200_000)) } });
        queue.tell({ job, workflow: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${i}`, node('')])) });
        await eventually(() => expect(told).toEqual([[job.id], [job.id]]), 1_000);
      });

      it('is read from the store when what is said of it can not be understood, and nonsense is left alone', async () => {
        const [job, another] = [waitingJob(), waitingJob()];
        const whole = writeJobWord({ job, workflow: WORKFLOW });
        await says(whole.replace('"version":1', '"version":2'));
        await says(whole.replace(job.id, another.id));
        await says(whole.slice(0, -5));
        await says('nonsense');
        await says('');
        await says(whole);
        const understood = [job.id, { job, workflow: WORKFLOW }];
        await eventually(() => expect(told).toEqual([[job.id], [another.id], [job.id], understood]), 1_000);
      });
    });

    it('rings when another process offers what was not offered', async () => {
      const jobs = await offered({}, {});
      await eventually(() => expect(rings).toBe(1), 1_000);
      // One that has just come is taken to be new.
      await queue.offer(jobs.map((job) => later(job, 0.1)));
      await other.offer([waitingJob()]);
      await setTimeout(100);
      expect(rings).toBe(1);
    });

    it('rings only when there is something to take', async () => {
      const order: string[] = [];
      await onRedis(url, async (client) => {
        const monitor = await client.monitor();
        monitor.on('monitor', (_time, [command]: [string]) => order.push(command.toLowerCase()));
        for (let round = 0; round < 20; round += 1) await offered({});
        await eventually(() => expect(order.filter((command) => command === 'publish')).toHaveLength(20), 2_000);
        monitor.disconnect();
      });
      // There are other scripts, too: of tickets whose lock is over.
      const told = order.filter((command) => /^(eval|publish)/.test(command)).map(([letter]) => letter);
      expect(told.join('')).toMatch(/^(e+p){20}e*$/);
    });

    it('rings when a ticket that was put back can be taken', async () => {
      const [job] = (await offered({})) as [Job];
      await eventually(() => expect(rings).toBe(1), 1_000);
      await queue.putBack((await queue.next([]))!);
      expect(await other.next([])).toBeUndefined();
      await eventually(() => expect(rings).toBe(2), 1_000);
      expect(await other.next([])).toMatchObject({ jobId: job.id });
    });

    it('does not ring for another database of the same Redis, whose tickets are its own', async () => {
      const apart = await open(redisUrl(13));
      await apart.queue.offer([waitingJob()]);
      await setTimeout(100);
      expect(rings).toBe(0);
      expect(await other.next([])).toBeUndefined();
      await onRedis(redisUrl(13), (client) => client.flushdb());
    });
  });

  it('are counted wherever they are', async () => {
    await offered({}, {}, {});
    await queue.putBack((await queue.next([]))!);
    const inHand = await queue.next([]);
    expect(inHand).toBeDefined();
    expect(await other.tickets()).toBe(3);
  });

  it('are none of a queue that is closed', async () => {
    const closed = await open();
    await closed.onApplicationShutdown();
    await expect(closed.queue.next([])).rejects.toMatchObject({ code: 'storage_failed' });
    await expect(closed.queue.offer([waitingJob()])).rejects.toMatchObject({ code: 'storage_failed' });
  });
});
