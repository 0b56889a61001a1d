import { ComfyUIError } from '../../../src/domain/errors';
import { advance, newJob, type Job, type JobChange } from '../../../src/domain/job/job';
import type { Workflow } from '../../../src/domain/workflow/workflow';

const workflow: Workflow = {
  loader: { class_type: 'CheckpointLoaderSimple', inputs: {} },
  sampler: { class_type: 'KSampler', inputs: { steps: 8 } },
  save: { class_type: 'SaveImage', inputs: {} },
};

function after(...changes: JobChange[]): Job {
  return changes.reduce((job, change, index) => advance(job, change, 1000 + index), newJob('id', workflow, 1));
}

const executing = (nodeId: string): JobChange => ({ kind: 'executing', nodeId });
const nodes = (...states: [nodeId: string, finished: boolean, value: number, max: number][]): JobChange => ({
  kind: 'nodes',
  nodes: states.map(([nodeId, finished, value, max]) => ({ nodeId, finished, value, max })),
});

describe('advance', () => {
  it('starts once, and tells when', () => {
    const job = after({ kind: 'started' }, { kind: 'started' });
    expect(job).toMatchObject({ status: 'running', startedAt: 1000, revision: 1 });
  });

  it('does not change a job that has ended', () => {
    const done = after({ kind: 'succeeded', outputs: [] });
    expect(advance(done, { kind: 'failed', error: new ComfyUIError('stalled', '') }, 5)).toBe(done);
    expect(advance(done, executing('save'), 5)).toBe(done);
  });

  it('starts an attempt over without going back in status', () => {
    const file = {
      nodeId: 'save',
      filename: 'a',
      subfolder: '',
      type: 'output',
      mediaType: 'image/png',
      sizeBytes: 1,
    } as const;
    const job = after(
      { kind: 'started' },
      nodes(['loader', true, 1, 1]),
      { kind: 'collected', file },
      { kind: 'attempt', promptId: 'second' },
    );
    expect(job).toMatchObject({
      id: 'id',
      status: 'running',
      attempt: 2,
      promptId: 'second',
      outputs: [],
      progress: { value: 0 },
    });
  });

  it('grows the revision with every change, and only then', () => {
    const job = after({ kind: 'started' });
    expect(advance(job, { kind: 'executed', nodeId: 'save', output: {} }, 5)).toBe(job);
    expect(advance(job, { kind: 'canceling' }, 5).revision).toBe(job.revision + 1);
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

  it('is one snapshot for both messages ComfyUI sends of a step', () => {
    const state = after(executing('sampler'), nodes(['sampler', false, 2, 8]));
    expect(state.progress).toMatchObject({ step: 2, steps: 8, value: 0.2 });
    expect(advance(state, { kind: 'step', nodeId: 'sampler', value: 2, max: 8 }, 5).progress).toBe(state.progress);
  });

  it('counts only the nodes that will run', () => {
    const { progress } = after({ kind: 'cached', nodeIds: ['loader', 'sampler'] });
    expect(progress).toMatchObject({ nodesTotal: 1, nodesDone: 0, value: 0 });
  });

  it('never decreases, though a node may be staged twice', () => {
    const { progress } = after(nodes(['sampler', false, 8, 8]), nodes(['sampler', false, 0, 1]));
    expect(progress.value).toBe(0.8);
  });

  it('takes a node for finished when the next starts, on servers that send no progress_state', () => {
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

  it('tells the submitted node while nodes run that it made itself', () => {
    const { progress } = after(executing('sampler'), { kind: 'step', nodeId: 'sampler.0.0.2', value: 1, max: 1 });
    expect(progress).toMatchObject({ currentNode: 'sampler', currentNodeClass: 'KSampler', step: 1, value: 0 });
  });

  it('survives nonsense steps', () => {
    const { progress } = after(
      { kind: 'step', nodeId: 'sampler', value: 5, max: 0 },
      { kind: 'step', nodeId: 'sampler', value: -3, max: 8 },
    );
    expect(progress.value).toBe(0);
  });
});
