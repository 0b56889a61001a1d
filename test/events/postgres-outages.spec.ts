import { Logger } from '@nestjs/common';
import { PostgresEventBus } from '../../src/infrastructure/event-bus/postgres/postgres-event-bus';
import { onServer } from '../rpc/on-server';
import { onServer as onDatabase } from '../store/places';
import { loseResponse } from '../store/postgres-faults';
import { collected } from '../support/collected';
import { eventually } from '../support/eventually';
import { FaultProxy } from '../support/fault-proxy';
import { PostgresServer } from '../support/postgres-server';
import { latestOf, later, receiving, receivingAsProcess, runningJob } from './snapshots';

const DOWN = /^warn: PostgreSQL at 127\.0\.0\.1:\d+ cannot be reached \(.+\): job events arrive late\.$/;
const UP = /^log: PostgreSQL at 127\.0\.0\.1:\d+ is back\.$/;
/** Far below the default, so that a silent connection is noticed in the time of a test. */
const PULSE = 1_000;

onServer('TEST_DATABASE_URL', 'PostgreSQL', '.ci/postgres', () => {
  let server: PostgresServer;
  let one: PostgresEventBus;
  let other: PostgresEventBus;
  let logged: string[];

  const open = (databaseUrl = server.url) => PostgresEventBus.open({ databaseUrl, pulse: PULSE });
  const expectLog = (...lines: RegExp[]) =>
    eventually(() => expect(logged.toSorted()).toEqual(lines.map((line) => expect.stringMatching(line))), 20_000);
  const cutConnections = () =>
    onDatabase(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'nestjs-comfyui'`,
      server.url,
    );

  beforeAll(async () => {
    server = await PostgresServer.start();
  });

  afterAll(() => server.remove());

  beforeEach(async () => {
    logged = [];
    for (const level of ['log', 'warn', 'error'] as const)
      jest
        .spyOn(Logger.prototype, level)
        .mockImplementation((...[line]: unknown[]) => void logged.push(`${level}: ${String(line)}`));
    [one, other] = await Promise.all([open(), open()]);
  });

  afterEach(async () => {
    await Promise.all([one, other].map((bus) => bus.onApplicationShutdown()));
    jest.restoreAllMocks();
  });

  it('continues after a restart of PostgreSQL, and reports work and a change of each subscribed job', async () => {
    const [job, unchanged] = [runningJob(), runningJob()];
    const [received, nothing] = [receiving(other, job), receiving(other, unchanged)];
    const { work, cancellations } = receivingAsProcess(other);
    await server.kill();
    await expectLog(DOWN, DOWN);
    one.publish({ job });
    await server.run();
    await eventually(() => expect([received, nothing].map(({ changes }) => changes.length)).toEqual([1, 1]), 20_000);
    await expectLog(UP, UP, DOWN, DOWN);
    expect(work).toHaveLength(1);
    one.publish({ job: later(job) });
    one.publishCancellation(job.id);
    await eventually(() => expect(received.snapshots.at(-1)).toEqual({ job: later(job) }));
    await eventually(() => expect(cancellations).toEqual([job.id]));
    expect(nothing.snapshots).toEqual([]);
  });

  it('continues after its connections were cut, while it publishes', async () => {
    const job = runningJob();
    const { snapshots } = receiving(other, job);
    let by = 0;
    const publishing = setInterval(() => one.publish({ job: later(job, (by += 1)) }), 1);
    for (let i = 0; i < 3; i += 1) {
      const { length } = snapshots;
      await eventually(() => expect(snapshots.length).toBeGreaterThan(length));
      await cutConnections();
    }
    const { length } = snapshots;
    await eventually(() => expect(snapshots.length).toBeGreaterThan(length));
    clearInterval(publishing);
    await eventually(() => expect(snapshots.at(-1)?.job.revision).toBe(job.revision + by));
  });

  it('publishes after an outage the last state of each of the last thousand jobs', async () => {
    const proxy = await FaultProxy.to(server.url);
    const far = await open(proxy.url);
    const jobs = Array.from({ length: 2_000 }, runningJob);
    const all = jobs.map((job) => receiving(other, job));
    const { work, cancellations } = receivingAsProcess(other);
    loseResponse(proxy, 'pg_notify', 1_000);
    far.publishWork();
    await expectLog(DOWN);
    work.length = 0;
    for (const status of ['running', 'canceling'] as const)
      for (const job of jobs) far.publish({ job: { ...job, status } });
    far.publishWork();
    far.publishCancellation(jobs[0]!.id);
    expect(await latestOf(far, jobs[0]!)).toBeUndefined();
    await eventually(() => expect([work, cancellations]).toEqual([[true], [jobs[0]!.id]]));
    const received = all.map(({ snapshots }) => snapshots.map(({ job: { status } }) => status));
    expect(received).toEqual(jobs.map((_, index) => (index < 1_002 ? [] : ['canceling'])));
    await far.onApplicationShutdown();
    await proxy.close();
  });

  it('reconnects when a connection falls silent, and publishes then what was not delivered', async () => {
    const proxy = await FaultProxy.to(server.url);
    const far = await open(proxy.url);
    const [job, here] = [runningJob(), runningJob()];
    const [received, there] = [receiving(other, job), receiving(far, here)];
    const { work } = receivingAsProcess(far);
    proxy.hold();
    far.publish({ job });
    one.publish({ job: here });
    await eventually(() => expect(received.snapshots).toEqual([{ job }]));
    await eventually(() => expect([there.changes.length, work.length]).toEqual([1, 1]));
    await expectLog(UP, DOWN);
    one.publish({ job: later(here) });
    await eventually(() => expect(there.snapshots).toEqual([{ job: later(here) }]));
    await far.onApplicationShutdown();
    await proxy.close();
  });

  it('reconnects when a silent connection has nothing to publish', async () => {
    const proxy = await FaultProxy.to(server.url);
    const far = await open(proxy.url);
    proxy.hold();
    await expectLog(UP, DOWN);
    const job = runningJob();
    const { snapshots } = receiving(far, job);
    one.publish({ job });
    await eventually(() => expect(snapshots).toEqual([{ job }]));
    await far.onApplicationShutdown();
    await proxy.close();
  });

  it('starts while PostgreSQL is down', async () => {
    await server.kill();
    await expectLog(DOWN, DOWN);
    const early = await open();
    const job = runningJob();
    const { snapshots, changes } = receiving(early, job);
    await server.run();
    await eventually(() => expect(changes).toEqual([job.id]), 20_000);
    await expectLog(UP, UP, UP, DOWN, DOWN, DOWN);
    one.publish({ job });
    await eventually(() => expect(snapshots).toEqual([{ job }]));
    await early.onApplicationShutdown();
  });

  it('logs once why it is refused, without the password', async () => {
    const url = new URL(server.url);
    Object.assign(url, { username: 'stranger', password: 's3cret' });
    const refused = await open(url.href);
    await expectLog(/cannot be reached \(role "stranger" does not exist\)/);
    await refused.onApplicationShutdown();
    expect(logged.join()).not.toContain('s3cret');
  });

  it('sends the last snapshots before it closes', async () => {
    const leaving = await open();
    const jobs = Array.from({ length: 40 }, runningJob);
    const all = jobs.map((job) => receiving(other, job));
    for (const by of [0, 1]) for (const job of jobs) leaving.publish({ job: later(job, by) });
    await leaving.onApplicationShutdown();
    const last = jobs.map((job) => ({ job: later(job) }));
    await eventually(() => expect(all.map(({ snapshots }) => snapshots.at(-1))).toEqual(last));
  });

  it('closes while its connection is silent, and ignores what is published afterwards', async () => {
    const proxy = await FaultProxy.to(server.url);
    const leaving = await PostgresEventBus.open({ databaseUrl: proxy.url });
    const job = runningJob();
    proxy.hold();
    leaving.publish({ job });
    await leaving.onApplicationShutdown();
    for (const by of [1, 2]) leaving.publish({ job: later(job, by) });
    leaving.publishWork();
    leaving.publishFile(job.id, collected());
    leaving.publishCancellation(job.id);
    receiving(leaving, job).unsubscribe();
    expect(logged).toEqual([]);
    await proxy.close();
  });
});
