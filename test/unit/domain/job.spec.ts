import { collected } from '../../support/collected';
import { ComfyUIError } from '../../../src/domain/errors';
import { type JobState, activate, advance, newJob, recordOf } from '../../../src/domain/job/job-state';
import type { JobChange } from '../../../src/domain/job/job-change';
import type { Workflow } from '../../../src/domain/workflow/workflow';

const workflow: Workflow = {
  loader: { class_type: 'CheckpointLoaderSimple', inputs: {} },
  sampler: { class_type: 'KSampler', inputs: { steps: 8 } },
  save: { class_type: 'SaveImage', inputs: {} },
};

const fresh = newJob({ id: 'id', workflow, queuedAt: 1 });
const lost = new ComfyUIError('backend_lost', 'It was restarted.');

function after(...changes: JobChange[]): JobState {
  return changes.reduce((job, change, index) => advance(job, change, 1000 + index), fresh);
}

function assigned(promptId = 'id', backend = 'http://a'): JobChange {
  return { kind: 'assigned', backend, promptId };
}

const executing = (nodeId: string): JobChange => ({ kind: 'executing', nodeId });
const nodes = (...states: [nodeId: string, finished: boolean, value: number, max: number][]): JobChange => ({
  kind: 'nodes',
  nodes: states.map(([nodeId, finished, value, max]) => ({ nodeId, finished, value, max })),
});

describe('advance', () => {
  it('starts a job once, and records the time', () => {
    const job = after(assigned(), { kind: 'started' }, { kind: 'started' });
    expect(job).toMatchObject({ status: 'running', startedAt: 1001, revision: 2 });
    expect(job.attempts).toMatchObject([
      { number: 1, promptId: 'id', backend: 'http://a', handedAt: 1000, startedAt: 1001 },
    ]);
  });

  it('keeps a job queued while its backend has not started it', () => {
    const accepted: JobChange = { kind: 'accepted', promptId: 'theirs', clientId: 'c', number: 7, nodeErrors: {} };
    const job = after(assigned(), accepted);
    expect(job).toMatchObject({ status: 'queued', backend: 'http://a', acceptance: { number: 7, nodeErrors: {} } });
    expect(job.attempts).toMatchObject([{ promptId: 'theirs', clientId: 'c' }]);
  });

  it('removes the attempt of a backend that had not started the job', () => {
    const job = after(assigned(), { kind: 'requeued', error: lost });
    expect(job).toMatchObject({ status: 'queued', backend: null, attempts: [], fencingToken: 2 });
    expect(advance(job, assigned('next', 'http://b'), 5).attempts).toMatchObject([{ number: 1, promptId: 'next' }]);
  });

  it('keeps the record of a lost attempt', () => {
    const job = after(
      assigned(),
      { kind: 'started' },
      { kind: 'requeued', error: lost },
      assigned('second', 'http://b'),
    );
    expect(job.attempts).toMatchObject([
      { number: 1, backend: 'http://a', endedAt: 1002, error: { code: 'backend_lost', message: 'It was restarted.' } },
      { number: 2, backend: 'http://b', promptId: 'second' },
    ]);
  });

  it('cancels a waiting job at once, and a running one by way of canceling', () => {
    const canceled: JobChange = { kind: 'canceled', error: new ComfyUIError('canceled', '') };
    expect(after(canceled)).toMatchObject({ status: 'canceled', endedAt: 1000 });
    expect(after(assigned(), { kind: 'cancel-requested' })).toMatchObject({ status: 'queued', cancelRequested: true });
    expect(after(assigned(), { kind: 'cancel-requested' }, { kind: 'started' }).status).toBe('canceling');
    expect(after(assigned(), { kind: 'started' }, { kind: 'cancel-requested' }).status).toBe('canceling');
    expect(
      after(assigned(), { kind: 'started' }, { kind: 'cancel-requested' }, { kind: 'succeeded', outputs: [] }).status,
    ).toBe('succeeded');
  });

  it('continues from the stored record', () => {
    const job = after(assigned(), { kind: 'started' }, executing('sampler'), nodes(['sampler', false, 4, 8]));
    const restored = activate(recordOf(job), workflow);
    expect(restored.progress).toEqual(job.progress);
    expect(advance(restored, { kind: 'step', nodeId: 'sampler', value: 1, max: 8 }, 5).progress.value).toBe(
      job.progress.value,
    );
    expect(restored.revision).toBe(job.revision);
    expect(advance(restored, { kind: 'resumed' }, 5)).toEqual({ ...restored, revision: expect.any(Number) });
    expect(advance(restored, { kind: 'resumed' }, 5).revision).toBeGreaterThan(job.revision + 100_000);
    expect(recordOf(job)).not.toHaveProperty('workflow');
  });

  it('does not change a job that has ended', () => {
    const done = after({ kind: 'succeeded', outputs: [] });
    expect(advance(done, { kind: 'failed', error: new ComfyUIError('stalled', '') }, 5)).toBe(done);
    expect(advance(done, executing('save'), 5)).toBe(done);
  });

  it('turns storage_failed into succeeded once the files are collected, and no other failure', () => {
    const broken = new ComfyUIError('storage_failed', 'The disk is full.');
    const failed = after(assigned(), { kind: 'started' }, { kind: 'failed', error: broken });
    const files = { kind: 'recovered', outputs: [collected()], texts: [] } as const;
    const done = advance(failed, files, 99);
    expect(done).toMatchObject({ status: 'succeeded', endedAt: 99, outputs: files.outputs, progress: { value: 1 } });
    expect(done.fencingToken).toBeGreaterThan(failed.fencingToken);
    expect(done.revision).toBeGreaterThan(failed.revision);
    expect(done).not.toHaveProperty('error');
    expect(done.attempts[0]).not.toHaveProperty('error');
    expect(advance(done, files, 100)).toBe(done);
    const running = after(assigned(), { kind: 'started' });
    const lostForGood = after(assigned(), { kind: 'started' }, { kind: 'failed', error: lost });
    for (const job of [running, lostForGood]) expect(advance(job, files, 99)).toBe(job);
  });

  it('starts another attempt without going back in status', () => {
    const file = collected({ nodeId: 'save' });
    const job = after(
      assigned(),
      { kind: 'started' },
      executing('loader'),
      nodes(['loader', true, 1, 1]),
      { kind: 'collected', file },
      { kind: 'requeued', error: lost },
    );
    expect(job).toMatchObject({ id: 'id', status: 'running', outputs: [], progress: { value: 0 }, nodeDurations: {} });
  });

  it('increases the revision with every change, and only then', () => {
    const job = after(assigned(), { kind: 'started' });
    expect(advance(job, { kind: 'executed', nodeId: 'save', output: {} }, 5)).toBe(job);
    expect(advance(job, { kind: 'cancel-requested' }, 5).revision).toBe(job.revision + 1);
  });
});

describe('progress', () => {
  it('weighs a sampler by its steps', () => {
    const { progress } = after(nodes(['loader', true, 1, 1]), executing('sampler'), {
      kind: 'step',
      nodeId: 'sampler',
      value: 4,
      max: 8,
    });
    expect(progress).toEqual({
      value: 0.5,
      nodesDone: 1,
      nodesTotal: 3,
      currentNode: 'sampler',
      currentNodeClass: 'KSampler',
      step: 4,
      steps: 8,
    });
  });

  it('is the same snapshot for both messages that ComfyUI sends per step', () => {
    const state = after(executing('sampler'), nodes(['sampler', false, 2, 8]));
    expect(state.progress).toMatchObject({ step: 2, steps: 8, value: 0.2 });
    expect(advance(state, { kind: 'step', nodeId: 'sampler', value: 2, max: 8 }, 5).progress).toBe(state.progress);
  });

  it('counts only the nodes that will run', () => {
    const { progress } = after({ kind: 'cached', nodeIds: ['loader', 'sampler'] });
    expect(progress).toMatchObject({ nodesTotal: 1, nodesDone: 0, value: 0 });
  });

  it('never decreases, also if ComfyUI reports a node from the start again', () => {
    const { progress } = after(nodes(['sampler', false, 8, 8]), nodes(['sampler', false, 0, 1]));
    expect(progress.value).toBe(0.8);
  });

  it('counts a node as finished when the next one starts, on servers that send no progress_state', () => {
    const { progress } = after(executing('loader'), executing('sampler'), executing('save'));
    expect(progress).toMatchObject({ nodesDone: 2, value: 0.9 });
  });

  it('is complete when the job succeeded', () => {
    expect(after(executing('loader'), { kind: 'succeeded', outputs: [] }).progress).toMatchObject({
      value: 1,
      nodesDone: 3,
      currentNode: null,
    });
  });

  it('shows the submitted node while nodes run that it created at run time', () => {
    const { progress } = after(executing('sampler'), { kind: 'step', nodeId: 'sampler.0.0.2', value: 1, max: 1 });
    expect(progress).toMatchObject({ currentNode: 'sampler', currentNodeClass: 'KSampler', step: 1, value: 0 });
  });

  it('ignores impossible step numbers', () => {
    const { progress } = after(
      { kind: 'step', nodeId: 'sampler', value: 5, max: 0 },
      { kind: 'step', nodeId: 'sampler', value: -3, max: 8 },
    );
    expect(progress.value).toBe(0);
  });
});

describe('node durations', () => {
  it('last from the start of a node to its end', () => {
    const job = after(
      nodes(['loader', false, 0, 1]),
      executing('loader'),
      nodes(['loader', true, 1, 1], ['sampler', false, 0, 1]),
      nodes(['loader', true, 1, 1], ['sampler', true, 1, 1]),
    );
    expect(job.nodeDurations).toEqual({ loader: 2, sampler: 1 });
  });

  it('end with the next node on servers that send no node states, and with the job', () => {
    const job = after(assigned(), { kind: 'started' }, executing('loader'), executing('save'), {
      kind: 'succeeded',
      outputs: [],
    });
    expect(job.nodeDurations).toEqual({ loader: 1, save: 1 });
  });

  it('exclude cached nodes, and include nodes created at run time in the node that created them', () => {
    const job = after(
      executing('sampler'),
      executing('sampler.0.0.1'),
      nodes(['sampler', true, 1, 1], ['save', true, 1, 1]),
    );
    expect(job.nodeDurations).toEqual({ sampler: 2 });
  });
});
