import { collected } from '../../support/collected';
import { UrlBuilder } from '../../../src/presentation/shared/url-builder';
import { UuidPipe } from '../../../src/presentation/shared/validation/uuid.pipe';
import { DtoPipe } from '../../../src/presentation/shared/validation/dto.pipe';
import { JobQueryDto } from '../../../src/presentation/shared/jobs/job-query.dto';
import { toJobDto } from '../../../src/presentation/shared/jobs/job.dto';
import { ComfyUIError } from '../../../src/domain/errors';
import { type JobState, advance, newJob } from '../../../src/domain/job/job-state';
import type { JobChange } from '../../../src/domain/job/job-change';

const ID = '0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d';
const NOON = Date.UTC(2026, 0, 31, 12);

const workflow = {
  '3': { class_type: 'KSampler', inputs: { seed: 18446744073709551615n, steps: 20 } },
  '9': { class_type: 'SaveImage', inputs: { images: ['3', 0] } },
};

function jobAfter(...changes: JobChange[]): JobState {
  const job = newJob({ id: ID, workflow, queuedAt: NOON, priority: 5, labels: ['sdxl'] });
  return changes.reduce((last, change, index) => advance(last, change, NOON + (index + 1) * 1000), job);
}

const handed: JobChange = { kind: 'assigned', backend: 'http://gpu:8188', promptId: ID };
const accepted: JobChange = { kind: 'accepted', promptId: ID, clientId: 'never sent', number: 7, nodeErrors: {} };
const urls = new UrlBuilder({ url: '/api/jobs' }, undefined);
const picture = collected({ width: 1, height: 2 });

describe('a job as JSON', () => {
  it('has every field of a job that waits', () => {
    expect(toJobDto({ job: jobAfter(), queuePosition: 3 }, urls)).toEqual({
      id: ID,
      revision: 0,
      status: 'queued',
      queuePosition: 3,
      priority: 5,
      progress: {
        value: 0,
        nodesDone: 0,
        nodesTotal: 2,
        currentNode: null,
        currentNodeClass: null,
        step: null,
        steps: null,
      },
      outputs: [],
      texts: [],
      error: null,
      attempts: [],
      acceptance: null,
      cancelRequested: false,
      seeds: [{ nodeId: '3', value: '18446744073709551615' }],
      labels: ['sdxl'],
      label: null,
      keepPreviews: false,
      queuedAt: '2026-01-31T12:00:00.000Z',
      startedAt: null,
      endedAt: null,
      nodeDurations: {},
    });
  });

  it('has times, files and attempts of a job that succeeded, and no socket id', () => {
    const job = jobAfter(handed, accepted, { kind: 'started' }, { kind: 'succeeded', outputs: [picture] });
    const json = toJobDto({ job, queuePosition: null }, urls);
    const { sha256: _sha256, ...output } = picture;
    expect(json).toMatchObject({
      status: 'succeeded',
      queuePosition: null,
      outputs: [{ ...output, url: `/api/assets/${picture.assetId}` }],
      acceptance: { number: 7, nodeErrors: {} },
      startedAt: '2026-01-31T12:00:03.000Z',
      endedAt: '2026-01-31T12:00:04.000Z',
      attempts: [
        {
          number: 1,
          backend: 'http://gpu:8188',
          promptId: ID,
          handedAt: '2026-01-31T12:00:01.000Z',
          startedAt: '2026-01-31T12:00:03.000Z',
          endedAt: '2026-01-31T12:00:04.000Z',
          error: null,
        },
      ],
    });
    const text = JSON.stringify(json);
    for (const secret of ['never sent', 'clientId', 'workflow', 'fencingToken']) expect(text).not.toContain(secret);
  });

  it('has the node that failed and its exception', () => {
    const details = {
      nodeId: '3',
      classType: 'KSampler',
      exceptionType: 'ValueError',
      traceback: ['line 1', 'line 2'],
    };
    const error = new ComfyUIError('execution_failed', 'Node 3 (KSampler) failed: no', { details });
    const json = toJobDto(
      {
        job: jobAfter(handed, { kind: 'started' }, { kind: 'failed', error }),
        queuePosition: null,
      },
      urls,
    );
    expect(JSON.parse(JSON.stringify(json.error))).toEqual({
      code: 'execution_failed',
      message: 'Node 3 (KSampler) failed: no',
      nodeId: '3',
      nodeClass: 'KSampler',
      exceptionType: 'ValueError',
      traceback: ['line 1', 'line 2'],
    });
    expect(json.attempts[0]?.error).toEqual({ code: 'execution_failed', message: 'Node 3 (KSampler) failed: no' });
  });

  it('keeps other details, even with integers that plain JSON cannot write', () => {
    const error = new ComfyUIError('invalid_workflow', 'No.', { details: { nodeErrors: { 3: { value: 2n ** 64n } } } });
    const json = toJobDto({ job: jobAfter(handed, { kind: 'failed', error }), queuePosition: null }, urls);
    expect(() => JSON.stringify(json)).not.toThrow();
    expect(json.error).toMatchObject({ code: 'invalid_workflow', details: { nodeErrors: { 3: expect.anything() } } });
  });
});

describe('the id of a job', () => {
  it('is a UUID in any case', () => {
    expect(new UuidPipe('job').transform(ID.toUpperCase())).toBe(ID);
  });

  it.each(['', 'abc', `${ID}x`, `{${ID}}`, '../../etc', '\n', undefined, ['x'], '%00'.repeat(1000)])(
    'is nothing else: %j is not found, and not repeated',
    (id) => {
      const finding = () => new UuidPipe('job').transform(id);
      expect(finding).toThrow(
        expect.objectContaining({ code: 'not_found', message: 'There is no job with this id: ids of jobs are UUIDs.' }),
      );
    },
  );
});

describe('the query for jobs', () => {
  const pipe = new DtoPipe(JobQueryDto);

  it.each([
    [{}, { statuses: [], limit: 50 }],
    [undefined, { statuses: [], limit: 50 }],
    [
      { status: '', limit: '', cursor: '' },
      { statuses: [], limit: 50 },
    ],
    [{ status: 'queued' }, { statuses: ['queued'], limit: 50 }],
    [{ status: ' queued , running,queued,' }, { statuses: ['queued', 'running'], limit: 50 }],
    [{ status: ['queued', 'running,failed'] }, { statuses: ['queued', 'running', 'failed'], limit: 50 }],
    [
      { limit: '200', cursor: 'abc' },
      { statuses: [], limit: 200, cursor: 'abc' },
    ],
    [{ limit: 200 }, { statuses: [], limit: 200 }],
    [
      { status: null, limit: null, cursor: null },
      { statuses: [], limit: 50 },
    ],
  ])('is read from %j', (query, expected) => {
    expect(pipe.transform(query)).toEqual(expected);
  });

  it.each([
    [{ status: 'done' }, 'status must be any of queued, running,'],
    [{ status: ['queued', { a: 'b' }] }, 'status must be'],
    [{ status: { a: 'b' } }, 'status must be'],
    [{ status: `<script>${'x'.repeat(1e6)}\n` }, 'status must be'],
    [{ limit: '0' }, 'limit must be'],
    [{ limit: '201' }, 'limit must be'],
    [{ limit: '-1' }, 'limit must be'],
    [{ limit: '1.5' }, 'limit must be'],
    [{ limit: 'many' }, 'limit must be'],
    [{ limit: 1.5 }, 'limit must be'],
    [{ limit: 0 }, 'limit must be'],
    [{ limit: ['1', '2'] }, 'limit must be'],
    [{ cursor: ['a', 'b'] }, 'cursor must be'],
    [{ cursor: 'x'.repeat(1000) }, 'cursor must be'],
  ])('is refused with a short sentence: %#', (query, sentence) => {
    const message = expect.stringMatching(new RegExp(`^${sentence}.{0,200}$`));
    expect(() => pipe.transform(query)).toThrow(expect.objectContaining({ code: 'invalid_request', message }));
  });
});
