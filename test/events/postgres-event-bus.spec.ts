import { Logger } from '@nestjs/common';
import type { Job } from '../../src/domain/job/job';
import { PostgresEventBus } from '../../src/infrastructure/event-bus/postgres/postgres-event-bus';
import { onServer } from '../rpc/on-server';
import { inPostgres, onServer as onDatabase } from '../store/places';
import { eventually } from '../support/eventually';
import { describeJobEventBus } from './job-event-bus.contract';
import { later, latestOf, randomPreview, receiving, receivingAsProcess, runningJob } from './snapshots';

onServer('TEST_DATABASE_URL', 'PostgreSQL', '.ci/postgres', () => {
  let place: Awaited<ReturnType<typeof inPostgres>>;
  let one: PostgresEventBus;
  let other: PostgresEventBus;
  let logged: string[];

  const open = () => PostgresEventBus.open({ databaseUrl: place.url });

  beforeAll(async () => {
    place = await inPostgres();
  });

  afterAll(() => place.remove());

  beforeEach(async () => {
    logged = [];
    for (const level of ['log', 'warn'] as const)
      jest.spyOn(Logger.prototype, level).mockImplementation((...[line]: unknown[]) => void logged.push(String(line)));
    [one, other] = await Promise.all([open(), open()]);
  });

  afterEach(async () => {
    await Promise.all([one, other].map((bus) => bus.onApplicationShutdown()));
    jest.restoreAllMocks();
  });

  describe('PostgresEventBus', () => {
    describeJobEventBus(async () => ({
      one,
      other,
      server: ['databaseUrl', place.url],
      subscribed: async () => undefined,
      close: async () => undefined,
    }));
  });

  it('carries no previews, and keeps no snapshots', async () => {
    const job = runningJob();
    const { snapshots } = receiving(other, job);
    one.publish({ job, preview: randomPreview() });
    await eventually(() => expect(snapshots).toStrictEqual([{ job }]));
    expect(await latestOf(other, job)).toBeUndefined();
  });

  it('delivers a snapshot up to the longest message of PostgreSQL, and beyond that a change', async () => {
    const jobs = Array.from({ length: 100 }, (_, index): Job => {
      return { ...runningJob(), texts: [{ nodeId: '1', text: 'é'.repeat(1_100) + 'x'.repeat(500 + index) }] };
    });
    const all = jobs.map((job) => receiving(other, job));
    for (const job of jobs) one.publish({ job });
    await eventually(() =>
      expect(all.map(({ snapshots, changes }) => snapshots.length + changes.length)).toEqual(jobs.map(() => 1)),
    );
    const longest = all.filter(({ snapshots }) => snapshots.length === 1).length;
    expect(all.map(({ changes }) => changes.length)).toEqual(jobs.map((_, index) => (index < longest ? 0 : 1)));
    expect(longest).toBeGreaterThan(0);
    expect(longest).toBeLessThan(jobs.length);
    expect(logged).toEqual([]);
  });

  it('publishes no change for the progress of a job that is too large for a message', async () => {
    const [job, marker] = [{ ...runningJob(), label: 'x'.repeat(8_000) }, runningJob()];
    const [received, marked] = [receiving(other, job), receiving(other, marker)];
    one.publish({ job });
    await eventually(() => expect(received.changes).toHaveLength(1));
    one.publish({ job: later(job) });
    one.publish({ job: marker });
    one.publish({ job: later(marker) });
    await eventually(() => expect(marked.snapshots).toHaveLength(2));
    expect(received.changes).toHaveLength(1);
    one.publish({ job: { ...later(job), status: 'canceling' } });
    await eventually(() => expect(received.changes).toHaveLength(2));
    expect(received.snapshots).toEqual([]);
  });

  it('ignores messages that it does not understand', async () => {
    const job = runningJob();
    const { snapshots, files, changes } = receiving(other, job);
    const { work, cancellations } = receivingAsProcess(other);
    const contents = ['', 'x', 'null', '{}', '{"version":1,"kind":"work"}', '{"version":2,"kind":"snapshot","job":{}}'];
    const messages = contents.flatMap((content) => [content, `x ${job.id} ${content}`, `x * ${content}`]);
    for (const message of messages) await onDatabase(`select pg_notify('comfyui_events', '${message}')`, place.url);
    one.publish({ job });
    await eventually(() => expect(snapshots).toEqual([{ job }]));
    expect([files, changes, work, cancellations, logged]).toEqual([[], [], [], [], []]);
  });

  it('keeps deployments in two databases of one server apart', async () => {
    const elsewhere = await inPostgres();
    const far = await PostgresEventBus.open({ databaseUrl: elsewhere.url });
    const job = runningJob();
    const [here, there] = [receiving(other, job), receiving(far, job)];
    one.publish({ job });
    await eventually(() => expect(here.snapshots).toHaveLength(1));
    expect([there.snapshots, there.changes]).toEqual([[], []]);
    await far.onApplicationShutdown();
    await elsewhere.remove();
  });

  it('uses one connection per process, and none after it is closed', async () => {
    const connections = async () => {
      const query = `select count(*)::int from pg_stat_activity where datname = '${place.name}' and query not like '%count%'`;
      return (await onDatabase(query, place.url))[0]?.count;
    };
    expect(await connections()).toBe(2);
    await Promise.all([one, other].map((bus) => bus.onApplicationShutdown()));
    await eventually(async () => expect(await connections()).toBe(0));
    expect(logged).toEqual([]);
  });
});

it.each(['s3cret', 'http://:s3cret@host', 'postgres://u:s3cret@[bad'])(
  '%s is no address of PostgreSQL',
  async (url) => {
    const error: unknown = await PostgresEventBus.open({ databaseUrl: url }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'storage_failed', message: expect.stringContaining('postgres://') });
    expect(`${error instanceof Error ? error.stack : ''} ${JSON.stringify(error)}`).not.toContain('s3cret');
  },
);
