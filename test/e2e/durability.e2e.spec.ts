import { setTimeout } from 'node:timers/promises';
import type { ComfyUIOptions } from '../../src';
import type { Simulator } from '../../src/simulator';
import { JobRepository } from '../../src/application/jobs/job-repository';
import { delayResponse, loseResponse } from '../store/postgres-faults';
import { inFolder, inPostgres, onServer, type Place } from '../store/places';
import { eventually } from '../support/eventually';
import { FaultProxy } from '../support/fault-proxy';
import { jobsOf, type JobJson } from '../support/jobs';
import { serverSentEvents } from '../support/sse';
import { postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { flatPicture } from '../support/workflows';

const PLACES: [name: string, () => Promise<Place>][] = [['a data folder', inFolder]];
if (process.env.TEST_DATABASE_URL) PLACES.push(['PostgreSQL', inPostgres]);

/** Reads events up to the first with the status running. */
async function untilRunning(response: Response): Promise<void> {
  for await (const { data } of serverSentEvents(response))
    if ((data as { status?: string }).status === 'running') return;
  throw new Error('Nothing ran.');
}

const COUNT_WRITES = `
  create table comfyui.writes (id text);
  create function comfyui.note_write() returns trigger language plpgsql as
    $$ begin insert into comfyui.writes values (new.id); return new; end $$;
  create trigger note_write after update on comfyui.jobs for each row execute function comfyui.note_write()`;
/** The number of short jobs depends on the disk. */
const WRITES_OF_SHORT_JOBS = `
  select id, count(*)::int as count from comfyui.writes join comfyui.jobs using (id)
  where ended_at - queued_at < 90 group by id`;

describe.each(PLACES)('jobs in %s', (_name, makePlace) => {
  let place: Place;
  /** The folder of the files, for any database. */
  let folder: Place;
  let comfyUI: Simulator;
  let stack: Stack;
  let color = 9000;

  const start = (options: ComfyUIOptions = {}) =>
    startStack({ baseUrl: comfyUI.url, shutdownGrace: 0, ...folder.options, ...place.options, ...options }, 'service');

  const restart = async () => {
    await stack.close();
    stack = await start();
  };

  beforeEach(async () => {
    place = await makePlace();
    folder = await inFolder();
    comfyUI = await startComfyUI();
    stack = await start();
  });

  afterEach(async () => {
    await stack.close();
    await comfyUI.close();
    await place.remove();
    await folder.remove();
  });

  it('continue after a restart: one at ComfyUI keeps running, waiting ones keep their order', async () => {
    const hold = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const before = jobsOf(stack);
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) ids.push(await before.start(flatPicture(++color)));
    await hold.struck;
    await before.running(ids[0]!);
    await restart();
    const jobs = jobsOf(stack);
    expect((await jobs.job(ids[0]!)).status).toBe('running');
    hold.clear();
    const ended = await Promise.all(ids.map((id) => jobs.ended(id)));
    for (const { id, ...job } of ended)
      expect(job).toMatchObject({ status: 'succeeded', attempts: [{ number: 1, promptId: id }] });
    const starts = ended.map(({ startedAt }) => Date.parse(startedAt ?? ''));
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(comfyUI.stats.requests['POST /prompt']).toBe(4);
  });

  const readers: [string, (id: string) => Promise<unknown>][] = [
    ['GET /jobs/:id', (id) => jobsOf(stack).running(id)],
    ['GET /jobs', () => eventually(async () => expect((await jobsOf(stack).list()).jobs[0]?.status).toBe('running'))],
    ['its events', async (id) => untilRunning(await jobsOf(stack).watch(id))],
  ];
  it.each(readers)('are stored as running before %s returns that status', async (_reader, read) => {
    const hold = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const id = await jobsOf(stack).start(flatPicture(++color));
    await read(id);
    expect((await stack.app.get(JobRepository).find(id))?.job).toMatchObject({ status: 'running' });
    hold.clear();
  });

  it('are stored as running before an event stream sends that status', async () => {
    const hold = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const headers = { Accept: 'text/event-stream' };
    await untilRunning(await postJson(`${stack.url}/generate`, { prompt: flatPicture(++color) }, { headers }));
    const [latest] = (await stack.app.get(JobRepository).list({ limit: 1 })).jobs;
    expect(latest?.job).toMatchObject({ status: 'running' });
    hold.clear();
  });

  it('that ended during the restart are collected', async () => {
    const hold = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const id = await jobsOf(stack).start(flatPicture(++color));
    await hold.struck;
    await stack.close();
    hold.clear();
    stack = await start();
    expect(await jobsOf(stack).ended(id)).toMatchObject({ status: 'succeeded', outputs: [{ nodeId: '2' }] });
    expect(comfyUI.stats.requests['POST /prompt']).toBe(1);
  });

  it('whose prompt ComfyUI lost during the restart run again', async () => {
    const hold = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const id = await jobsOf(stack).start(flatPicture(++color));
    await hold.struck;
    await jobsOf(stack).running(id);
    await stack.close();
    hold.clear();
    await comfyUI.restart();
    stack = await start();
    const job = await jobsOf(stack).ended(id);
    expect(job).toMatchObject({ status: 'succeeded', attempts: [{ number: 1, promptId: id }, { number: 2 }] });
  });

  it('whose cancellation was requested are canceled after a restart', async () => {
    const hold = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const id = await jobsOf(stack).start(flatPicture(++color));
    await hold.struck;
    await jobsOf(stack).running(id);
    comfyUI.faults.arm({ kind: 'proxy', status: 502, path: '/interrupt', times: 1 });
    await jobsOf(stack).cancel(id);
    await restart();
    expect((await jobsOf(stack).ended(id)).status).toBe('canceled');
  });

  it('are found by their idempotency key after a restart, with the same images', async () => {
    const prompt = flatPicture(++color);
    const headers = { 'Idempotency-Key': `key ${color}` };
    const first = await (await postJson(`${stack.url}/generate`, { prompt }, { headers })).json();
    await restart();
    expect(await (await postJson(`${stack.url}/generate`, { prompt }, { headers })).json()).toEqual(first);
    expect(comfyUI.stats.requests['POST /prompt']).toBe(1);
  });
});

/** Blocks the event loop of this process for `ms`. */
function freeze(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

if (process.env.TEST_DATABASE_URL) describeLostAnswers();

function describeLostAnswers(): void {
  describe('a job that PostgreSQL assigned to a backend', () => {
    const headers = { Prefer: 'respond-async' };
    let place: Awaited<ReturnType<typeof inPostgres>>;
    let folder: Place;
    let comfyUI: Simulator;
    let proxy: FaultProxy;
    let stack: Stack;

    beforeEach(async () => {
      [place, folder, comfyUI] = [await inPostgres(), await inFolder(), await startComfyUI()];
      proxy = await FaultProxy.to(place.url);
      stack = await startStack({ baseUrl: comfyUI.url, databaseUrl: proxy.url, ...folder.options }, 'service');
      await jobsOf(stack).ended(await jobsOf(stack).start(flatPicture(1)));
      await setTimeout(200);
    });

    afterEach(async () => {
      await stack.close();
      await Promise.all([proxy.close(), comfyUI.close(), folder.remove()]);
      await place.remove();
    });

    const ask = () => postJson(`${stack.url}/generate`, { prompt: flatPicture(2, { prefix: 'lost' }) }, { headers });

    async function theJob(): Promise<JobJson> {
      return eventually(async () => {
        const [job] = (await jobsOf(stack).list()).jobs;
        if (job?.status !== 'succeeded') throw new Error(`The job is ${JSON.stringify(job)}`);
        return job;
      }, 20_000);
    }

    it('is written once more, at its end, if it is short', async () => {
      await onServer(COUNT_WRITES, place.url);
      let rows: Record<string, unknown>[] = [];
      for (let color = 100; rows.length < 6; color += 1) {
        expect((await postJson(`${stack.url}/generate`, { prompt: flatPicture(color) })).status).toBe(200);
        rows = await onServer(WRITES_OF_SHORT_JOBS, place.url);
      }
      expect(rows.filter(({ count }) => count !== 1)).toEqual([]);
    }, 60_000);

    it('runs, also if the response of PostgreSQL was lost during an outage', async () => {
      // Longer than the retries of a write, shorter than the leases.
      loseResponse(proxy, 'lost', 6_000);
      expect(await (await ask()).json()).toMatchObject({ code: 'storage_failed' });
      const rows = await onServer('select backend from comfyui.jobs where ended_at is null', place.url);
      expect(rows).toEqual([{ backend: comfyUI.url }]);
      await theJob();
      expect(comfyUI.stats.requests['POST /prompt']).toBe(2);
    });

    it('runs once, also if the response of PostgreSQL is late', async () => {
      delayResponse(proxy, 'lost', 4_500);
      expect((await ask()).status).toBe(202);
      expect(await theJob()).toMatchObject({ attempts: [{ number: 1 }] });
      expect(comfyUI.stats.requests['POST /prompt']).toBe(2);
    });

    it('runs once, also if the response to its claim is late', async () => {
      const hold = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
      const { start, ended } = jobsOf(stack);
      const before = [await start(flatPicture(2)), await start(flatPicture(3))];
      await hold.struck;
      const waiting = await start(flatPicture(4));
      const delay = delayResponse(proxy, 'skip locked', 4_500);
      comfyUI.faults.clear();
      for (const id of before) await ended(id);
      expect(await ended(waiting)).toMatchObject({ status: 'succeeded', attempts: [{ number: 1, promptId: waiting }] });
      expect(comfyUI.stats.requests['POST /prompt']).toBe(4);
      expect(delay.hasFired).toBe(true);
    });

    it('belongs to the process that changed it before the response arrived', async () => {
      const elsewhere = 'http://127.0.0.1:1';
      loseResponse(proxy, 'lost', 1_500);
      const asking = ask();
      await setTimeout(500);
      await onServer(`insert into comfyui.leases values ('${elsewhere}', 'another', 1, 9e15)`, place.url);
      const move = `update comfyui.jobs set backend = '${elsewhere}', fencing_token = 3, revision = 9 where ended_at is null`;
      await onServer(move, place.url);
      expect((await asking).status).toBe(202);
      await setTimeout(1_000);
      expect(comfyUI.stats.requests['POST /prompt']).toBe(1);
    });

    it('is not submitted by a process that was frozen while another one took over its backend', async () => {
      const takeOver = "update comfyui.leases set holder = 'another', epoch = epoch + 1, expires_at = 9e15";
      const taken = onServer(`select pg_sleep(2); ${takeOver}`, place.url);
      await setTimeout(500);
      proxy.onRequest('lost', () => freeze(8_000));
      expect((await ask()).status).toBe(202);
      const rows = await onServer('select backend from comfyui.jobs where ended_at is null', place.url);
      expect(rows).toEqual([{ backend: comfyUI.url }]);
      await Promise.all([taken, setTimeout(1_500)]);
      expect(comfyUI.stats.requests['POST /prompt']).toBe(1);
    });
  });
}
