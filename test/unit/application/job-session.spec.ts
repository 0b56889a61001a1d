import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { type EventOptions, jobEvents } from '../../../src/application/jobs/job-event-stream';
import { JobSession } from '../../../src/application/jobs/job-session';
import { TempFile } from '../../../src/shared/temp-files/temp-file';
import { ComfyUIError } from '../../../src/domain/errors';
import { newJob } from '../../../src/domain/job/job-state';
import type { CollectedFile } from '../../../src/domain/job/job';
import { collected } from '../../support/collected';
import type { JobEvent } from '../../../src/domain/job/job-event';

class Bytes extends TempFile {
  readonly sizeBytes = 3;
  readonly sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  readonly head = Buffer.from('abc');
  discarded = 0;

  open(): Readable {
    return Readable.from([this.head]);
  }

  async read(position: number, length: number): Promise<Buffer> {
    return this.head.subarray(position, position + length);
  }

  async discard(): Promise<void> {
    this.discarded += 1;
  }
}

const workflow = { '1': { class_type: 'A', inputs: {} }, '2': { class_type: 'B', inputs: {} } };

function startedSession(): JobSession {
  const session = new JobSession(newJob({ id: 'id', workflow, queuedAt: Date.now() }), () => undefined);
  session.change({ kind: 'assigned', backend: 'http://a', promptId: 'id' });
  session.hold();
  return session;
}

function eventsOf(session: JobSession, options: EventOptions = {}): AsyncGenerator<JobEvent, void, undefined> {
  return jobEvents(session, async () => undefined, options);
}

function file(filename: string): CollectedFile {
  return collected({ nodeId: '1', filename });
}

async function all(events: AsyncIterable<JobEvent>): Promise<JobEvent[]> {
  const seen: JobEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

describe('waiting for a job', () => {
  afterEach(() => jest.useRealTimers());

  it('resolves with the ended job, for any number of callers', async () => {
    const session = startedSession();
    const waiting = [session.ended(), session.ended(60_000), session.ended(60_000, new AbortController().signal)];
    session.change({ kind: 'succeeded', outputs: [] });
    for (const job of await Promise.all(waiting)) expect(job.status).toBe('succeeded');
  });

  it('gives up after the time asked for, names the job, and the job goes on', async () => {
    const session = startedSession();
    await expect(session.ended(20)).rejects.toMatchObject({
      code: 'timeout',
      jobId: 'id',
      message: expect.stringContaining('0.02 s'),
    });
    session.change({ kind: 'succeeded', outputs: [] });
    expect((await session.ended(1)).status).toBe('succeeded');
  });

  it('stops when the caller does', async () => {
    const caller = new AbortController();
    const waiting = startedSession().ended(60_000, caller.signal);
    caller.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
  });

  it('leaves nothing with the caller or the clock', async () => {
    jest.useFakeTimers();
    const { signal } = new AbortController();
    const session = startedSession();
    const waiting = [session.ended(60_000, signal), session.ended(20, signal).catch(() => undefined)];
    expect(jest.getTimerCount()).toBe(2);
    jest.advanceTimersByTime(20);
    await waiting[1];
    session.change({ kind: 'succeeded', outputs: [] });
    await Promise.all([...waiting, session.ended(60_000, signal)]);
    expect(jest.getTimerCount()).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('events of a job', () => {
  it('begin with what already happened and end with the job', async () => {
    const session = startedSession();
    session.change({ kind: 'started' });
    session.change({ kind: 'collected', file: file('a') });
    const events = all(eventsOf(session));
    session.change({ kind: 'executing', nodeId: '2' });
    await new Promise(setImmediate);
    session.change({ kind: 'failed', error: new ComfyUIError('stalled', 'dead') });
    expect((await events).map(({ kind, job }) => [kind, job.status])).toEqual([
      ['status', 'running'],
      ['output', 'running'],
      ['progress', 'running'],
      ['status', 'failed'],
    ]);
  });

  it('never withhold an output from a slow reader, while progress may be skipped', async () => {
    const session = startedSession();
    const reader = eventsOf(session);
    await reader.next();
    for (const name of ['a', 'b', 'c']) session.change({ kind: 'collected', file: file(name) });
    for (let value = 1; value <= 100; value++) session.change({ kind: 'step', nodeId: '1', value, max: 100 });
    session.change({ kind: 'succeeded', outputs: [file('a'), file('b'), file('c')] });
    const rest = await all(reader);
    expect(rest.flatMap((event) => (event.kind === 'output' ? event.file.filename : []))).toEqual(['a', 'b', 'c']);
    expect(rest.filter(({ kind }) => kind === 'progress')).toHaveLength(0);
  });

  it('repeat the progress while nothing happens', async () => {
    const session = startedSession();
    const events = eventsOf(session, { repeatAfterMs: 5 });
    const kinds = [];
    for (let i = 0; i < 3; i++) kinds.push((await events.next()).value?.kind);
    expect(kinds).toEqual(['status', 'progress', 'progress']);
    await events.return();
  });

  it('contain the latest preview, until the job ends', async () => {
    const session = startedSession();
    const preview = { mediaType: 'image/png', image: Buffer.from('x'), nodeId: '1' } as const;
    session.change({ kind: 'preview', preview: { ...preview, image: Buffer.from('older') } });
    session.change({ kind: 'preview', preview });
    const events = eventsOf(session);
    expect([(await events.next()).value, (await events.next()).value]).toMatchObject([
      { kind: 'status' },
      { kind: 'preview', preview },
    ]);
    session.change({ kind: 'succeeded', outputs: [] });
    expect((await all(eventsOf(session))).map(({ kind }) => kind)).toEqual(['status']);
    await events.return();
  });

  it('contain the outputs of a second attempt again', async () => {
    const session = startedSession();
    const reader = eventsOf(session);
    session.change({ kind: 'collected', file: file('a') });
    expect([(await reader.next()).value?.kind, (await reader.next()).value?.kind]).toEqual(['status', 'output']);
    session.change({ kind: 'started' });
    session.change({ kind: 'requeued', error: new ComfyUIError('backend_lost', '') });
    session.change({ kind: 'assigned', backend: 'http://a', promptId: 'second' });
    session.change({ kind: 'succeeded', outputs: [file('a')] });
    expect((await all(reader)).map(({ kind }) => kind)).toEqual(['status', 'output']);
  });
});

describe('a job whose service shuts down', () => {
  const error = new ComfyUIError('shutting_down', 'Later.');

  it('sends everybody away, and goes on', async () => {
    const session = startedSession();
    const events = all(eventsOf(session));
    const waiting = [session.ended(), session.until(() => false), events];
    await new Promise(setImmediate);
    session.interrupt(error);
    for (const result of await Promise.allSettled(waiting)) expect(result).toMatchObject({ reason: error });
    expect(session.job.status).toBe('queued');
  });
});

describe('the files of a job', () => {
  it('stay until the last holder let go', () => {
    const session = startedSession();
    const bytes = new Bytes();
    const picture = file('a');
    session.keep(picture, bytes);
    session.change({ kind: 'succeeded', outputs: [picture] });
    expect(bytes.discarded).toBe(0);
    expect(session.bytesOf(picture)).toBe(bytes);
    session.release();
    expect(bytes.discarded).toBe(1);
    expect(() => session.bytesOf(picture)).toThrow(expect.objectContaining({ code: 'not_found' }));
  });

  it('are left to the storage while no caller holds the job, although it runs', () => {
    const session = startedSession();
    const [before, after] = [new Bytes(), new Bytes()];
    session.beginRun();
    session.keep(file('a'), before);
    session.release();
    expect(before.discarded).toBe(1);
    session.keep(file('b'), after);
    expect(after.discarded).toBe(1);
  });

  it('are kept once: a second copy, for another caller, is discarded', () => {
    const session = startedSession();
    const [first, second] = [new Bytes(), new Bytes()];
    const picture = file('a');
    session.keep(picture, first);
    session.keep(picture, second);
    expect([first.discarded, second.discarded]).toEqual([0, 1]);
    expect(session.bytesOf(picture)).toBe(first);
  });

  it('go with the attempt that made them', () => {
    const session = startedSession();
    const bytes = new Bytes();
    session.keep(file('a'), bytes);
    session.change({ kind: 'requeued', error: new ComfyUIError('backend_lost', '') });
    expect(bytes.discarded).toBe(1);
  });
});
