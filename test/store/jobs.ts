import { randomUUID } from 'node:crypto';
import type { JobEntry } from '../../src/application/jobs/job-repository';
import { ComfyUIError } from '../../src/domain/errors';
import { type JobState, activate, advance, newJob, type NewJob, recordOf } from '../../src/domain/job/job-state';
import type { Job } from '../../src/domain/job/job';
import type { JobChange } from '../../src/domain/job/job-change';
import { collected } from '../support/collected';
import { flatPicture } from '../support/workflows';

export const WORKFLOW = flatPicture(1);
export const NOON = Date.UTC(2026, 0, 1, 12);

export function waitingJob(fields: Partial<NewJob> = {}): Job {
  return recordOf(newJob({ id: randomUUID(), workflow: WORKFLOW, queuedAt: NOON, ...fields }));
}

export function entryOf(job: Job, rest: Partial<Omit<JobEntry, 'job'>> = {}): JobEntry {
  return { job, workflow: WORKFLOW, maxQueue: 10_000, ...rest };
}

export function changed(job: Job, change: JobChange, now = NOON + 1000): Job {
  return recordOf(advance(active(job), change, now));
}

export function assigned(job: Job, backend = 'http://gpu-1:8188'): Job {
  return changed(job, { kind: 'assigned', backend, promptId: randomUUID() });
}

export function started(job: Job): Job {
  return changed(assigned(job), { kind: 'started' });
}

export function requeued(job: Job): Job {
  return changed(job, { kind: 'requeued', error: new ComfyUIError('backend_lost', 'The backend is gone.') });
}

export function succeeded(job: Job): Job {
  return changed(job, { kind: 'succeeded', outputs: [] });
}

export function active(job: Job): JobState {
  return activate(job, WORKFLOW);
}

/** A job with every optional field. A field that is new in `Job` does not compile until it is here. */
export function fullJob(): Required<Job> {
  return {
    ...waitingJob(),
    revision: 41,
    status: 'failed',
    priority: -7,
    allowPartial: true,
    keepPreviews: true,
    label: 'portrait',
    requirements: { classes: ['KSampler', 'SaveImage'], labels: ['24gb'], models: ['a/b.safetensors'] },
    seeds: [{ nodeId: '3', value: '18446744073709551615' }],
    backend: null,
    fencingToken: 4,
    attempts: [
      {
        number: 1,
        backend: 'http://gpu-1:8188',
        promptId: randomUUID(),
        clientId: null,
        handedAt: NOON + 1,
        startedAt: NOON + 2,
        endedAt: NOON + 3,
        error: { code: 'stalled', message: 'No progress.' },
      },
      { number: 2, backend: 'http://gpu-2:8188', promptId: randomUUID(), clientId: 'socket-2', handedAt: NOON + 4 },
    ],
    acceptance: {
      number: 12,
      nodeErrors: {
        '9': { classType: 'SaveImage', problems: [{ type: 'x', message: 'no', details: 'at all', input: 'images' }] },
      },
    },
    cancelRequested: true,
    progress: {
      value: 0.1234567890123456,
      nodesDone: 1,
      nodesTotal: 7,
      currentNode: '3',
      currentNodeClass: 'KSampler',
      step: 4,
      steps: 20,
    },
    outputs: [
      collected({ filename: 'pictüre_😀.png', subfolder: 'a\\b', sizeBytes: 5_000_000_000, width: 1024, height: 768 }),
      collected({ filename: 'x.mp4', type: 'temp', mediaType: 'video/mp4', sizeBytes: 0, durationSeconds: 1.5 }),
    ],
    texts: [{ nodeId: '12', text: 'with \u0000 and \ud800 and "quotes"\n' }],
    nodeDurations: { '3': 1234.5, '10:2': 0 },
    error: new ComfyUIError('execution_failed', 'Node 3 failed.', {
      details: { nodeId: '3', seed: 18446744073709551615n, list: [1, null, 'x'], nested: { deep: true } },
      jobId: 'the-job',
    }),
    queuedAt: NOON,
    startBy: NOON + 60_000,
    startedAt: NOON + 2,
    endedAt: NOON + 5,
  };
}
