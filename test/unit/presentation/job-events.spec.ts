import { UrlBuilder } from '../../../src/presentation/shared/url-builder';
import { collected } from '../../support/collected';
import { type EventOptions, jobEvents as stateEvents } from '../../../src/application/jobs/job-event-stream';
import { JobSession } from '../../../src/application/jobs/job-session';
import { ComfyUIError } from '../../../src/domain/errors';
import { newJob } from '../../../src/domain/job/job-state';
import type { Job } from '../../../src/domain/job/job';
import type { Preview } from '../../../src/domain/job/run-event';
import { jobEvents } from '../../../src/presentation/rest/jobs/job-events.formatter';
import { eventHead, eventText, retryText } from '../../../src/presentation/rest/streaming/server-sent-event';

const ID = '0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d';
const workflow = { '1': { class_type: 'A', inputs: {} }, '2': { class_type: 'B', inputs: {} } };

interface ReceivedEvent {
  readonly id: number;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

function read(text: string): ReceivedEvent | string {
  const match = /^id: (\d+)\nevent: (\w+)\ndata: (.*)\n\n$/.exec(text);
  return match ? { id: Number(match[1]), event: String(match[2]), data: JSON.parse(String(match[3])) } : text;
}

function newSession(): JobSession {
  return new JobSession(newJob({ id: ID, workflow, queuedAt: Date.now() }), () => undefined);
}

/** A viewer of the job, with three jobs before it while it waits. */
function watch(session: JobSession, signal = new AbortController().signal): AsyncGenerator<string> {
  const view = async (job: Job) => ({ job, queuePosition: job.status === 'queued' ? 4 : null });
  const events = (watched: JobSession, options: EventOptions = {}) =>
    stateEvents(watched, async () => undefined, options);
  return jobEvents({
    session,
    jobs: { view, events },
    repeatAfterMs: 5_000,
    urls: new UrlBuilder({ url: `/jobs/${ID}/events` }, undefined),
    signal,
  });
}

async function rest(events: AsyncIterable<string>): Promise<(ReceivedEvent | string)[]> {
  const received = [];
  for await (const text of events) received.push(read(text));
  return received;
}

const kinds = (received: (ReceivedEvent | string)[]) =>
  received.map((one) => (typeof one === 'string' ? one : one.event));

function file(filename: string, nodeId = '1') {
  return collected({ nodeId, filename });
}

function preview(text: string): Preview {
  return { nodeId: '1', mediaType: 'image/png', image: Buffer.from(text) };
}

function start(session: JobSession): void {
  session.change({ kind: 'assigned', backend: 'http://gpu', promptId: ID });
  session.change({ kind: 'started' });
}

describe('the text of an event', () => {
  it('is one line of JSON, whatever is in it', () => {
    expect(eventText('a', { text: 'x\ny\r\n\u2028data: z' }, 5)).toBe(
      'id: 5\nevent: a\ndata: {"text":"x\\ny\\r\\n\u2028data: z"}\n\n',
    );
    expect(eventHead('b')).toBe('event: b\ndata: ');
    expect(retryText(3000)).toBe('retry: 3000\n\n');
  });
});

describe('the events of a job', () => {
  it('begin with the whole job, its outputs and its last preview, and do not repeat them', async () => {
    const session = newSession();
    const [a, b] = [file('a.png'), file('b.png', '2')];
    start(session);
    session.change({ kind: 'collected', file: a });
    session.change({ kind: 'preview', preview: preview('older') });
    session.change({ kind: 'preview', preview: preview('x') });
    const events = watch(session);
    const first = read(String((await events.next()).value));
    expect(first).toMatchObject({
      event: 'job',
      id: session.job.revision,
      data: {
        id: ID,
        revision: session.job.revision,
        status: 'running',
        queuePosition: null,
        outputs: [{ filename: 'a.png' }],
        preview: { nodeId: '1', mediaType: 'image/png', base64: Buffer.from('x').toString('base64') },
      },
    });
    session.change({ kind: 'collected', file: b });
    session.change({ kind: 'succeeded', outputs: [a, b] });
    const received = await rest(events);
    expect(kinds(received)).toEqual(['output', 'end']);
    expect(received[0]).toMatchObject({ data: { filename: 'b.png', sizeBytes: 3, type: 'output' } });
    expect(received[1]).toMatchObject({ data: { status: 'succeeded', outputs: [{}, {}] } });
  });

  it('have the queue position of a waiting job, then every change, each with the revision', async () => {
    const session = newSession();
    const events = watch(session);
    const received = [read(String((await events.next()).value))];
    const changes = [
      () => start(session),
      () => session.change({ kind: 'executing', nodeId: '2' }),
      () => session.change({ kind: 'preview', preview: preview('x') }),
    ];
    for (const change of changes) {
      const next = events.next();
      await new Promise(setImmediate);
      change();
      received.push(read(String((await next).value)));
    }
    session.change({ kind: 'failed', error: new ComfyUIError('stalled', 'dead') });
    received.push(...(await rest(events)));
    expect(kinds(received.filter((one) => typeof one !== 'string'))).toEqual([
      'job',
      'job',
      'progress',
      'preview',
      'end',
    ]);
    expect(received[0]).toMatchObject({ data: { status: 'queued', queuePosition: 4 } });
    expect(received[0]).not.toHaveProperty('data.preview');
    expect(received[2]).toMatchObject({
      data: { id: ID, status: 'running', attempt: 1, currentNode: '2', nodesTotal: 2 },
    });
    expect(received.at(-1)).toMatchObject({ id: session.job.revision, data: { error: { code: 'stalled' } } });
  });

  it('are only the end when it has ended', async () => {
    const session = newSession();
    session.change({ kind: 'succeeded', outputs: [file('a.png')] });
    expect(kinds(await rest(watch(session)))).toEqual(['end']);
  });

  it('arrive at least every 15 seconds: the queue position while the job waits, else a comment', async () => {
    jest.useFakeTimers();
    try {
      const session = newSession();
      const events = watch(session);
      await events.next();
      const waiting = events.next();
      await jest.advanceTimersByTimeAsync(7_000);
      expect(read(String((await waiting).value))).toMatchObject({ event: 'progress', data: { queuePosition: 4 } });
      start(session);
      await events.next();
      const running = events.next();
      await jest.advanceTimersByTimeAsync(7_000);
      expect((await running).value).toBe(': still here\n\n');
      await events.return(undefined);
    } finally {
      jest.useRealTimers();
    }
  });

  it('stop with a time to reconnect when the service shuts down', async () => {
    const shutdownState = new AbortController();
    const session = newSession();
    const events = watch(session, shutdownState.signal);
    await events.next();
    const next = events.next();
    shutdownState.abort();
    expect((await next).value).toBe('retry: 3000\n\n');
    expect((await events.next()).done).toBe(true);
  });

  it('stop in the same way for a slow viewer', async () => {
    const shutdownState = new AbortController();
    const session = newSession();
    const events = watch(session, shutdownState.signal);
    await events.next();
    shutdownState.abort();
    session.interrupt(new ComfyUIError('shutting_down', 'bye'));
    expect(await rest(events)).toEqual(['retry: 3000\n\n']);
  });
});
