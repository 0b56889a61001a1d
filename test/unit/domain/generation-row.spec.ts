import { ComfyUIError } from '../../../src/domain/errors';
import { generationRow } from '../../../src/domain/generation-row';
import type { Job } from '../../../src/domain/job/job';
import { generationFacts } from '../../../src/domain/workflow/generation-facts';
import type { Workflow } from '../../../src/domain/workflow/workflow';
import { canonicalWorkflow, readWorkflow, writeWorkflow } from '../../../src/domain/workflow/workflow-text';
import { fullJob, NOON } from '../../store/jobs';
import { collected } from '../../support/collected';
import { encode, graph, node } from '../../support/graphs';

function rowOf(fields: Partial<Job> = {}, workflow: Workflow = graph()) {
  const job = { ...fullJob(), ...fields };
  const files = job.outputs.map((file, index) => ({ file, url: `https://x/${index}` }));
  return generationRow(job, { facts: generationFacts(workflow), workflowHash: 'h' }, files);
}

describe('the row of a job', () => {
  it('maps every field to its column', () => {
    const job = fullJob();
    const [image, video] = job.outputs;
    const lora = node('LoraLoader', {
      lora_name: 'l.safetensors',
      strength_model: 0.5,
      strength_clip: 1,
      model: ['ckpt', 0],
    });
    expect(rowOf(job, graph({ lora }, { model: ['lora', 0] }))).toEqual({
      job_id: job.id,
      status: 'failed',
      label: 'portrait',
      prompt: 'a fox',
      negative_prompt: 'blurry',
      seed: '42',
      width: 512,
      height: 768,
      steps: 20,
      cfg: 7.5,
      sampler: 'euler',
      scheduler: 'karras',
      denoise: 1,
      model: 'sd15.safetensors',
      models: ['sd15.safetensors'],
      loras: [{ name: 'l.safetensors', strength_model: 0.5, strength_clip: 1 }],
      workflow_hash: 'h',
      files: [
        {
          asset_id: image?.assetId,
          node_id: '9',
          filename: 'pictüre_😀.png',
          media_type: 'image/png',
          size_bytes: 5_000_000_000,
          width: 1024,
          height: 768,
          duration_seconds: null,
          sha256: image?.sha256,
          url: 'https://x/0',
        },
        {
          asset_id: video?.assetId,
          node_id: '9',
          filename: 'x.mp4',
          media_type: 'video/mp4',
          size_bytes: 0,
          width: null,
          height: null,
          duration_seconds: 1.5,
          sha256: video?.sha256,
          url: 'https://x/1',
        },
      ],
      image_urls: ['https://x/0'],
      error_code: 'execution_failed',
      error_message: 'Node 3 failed.',
      attempts: 1,
      queued_at: new Date(NOON).toISOString(),
      started_at: new Date(NOON + 2).toISOString(),
      ended_at: new Date(NOON + 5).toISOString(),
      duration_ms: 3,
    });
  });

  it('is null or empty in columns without a value', () => {
    const row = rowOf({ label: null, error: undefined, startedAt: undefined, attempts: [], outputs: [] }, {});
    const empty = Object.entries(row).flatMap(([name, value]) => (value === null ? [name] : []));
    const prompt = ['label', 'prompt', 'negative_prompt', 'width', 'height', 'seed', 'steps', 'cfg', 'sampler'];
    const rest = ['scheduler', 'denoise', 'model', 'error_code', 'error_message', 'started_at', 'duration_ms'];
    expect(empty).toEqual([...prompt, ...rest]);
    expect(row).toMatchObject({ models: [], loras: [], files: [], image_urls: [], attempts: 0 });
  });

  it('joins several texts with line breaks', () => {
    const both = node('ConditioningCombine', { conditioning_1: ['a', 0], conditioning_2: ['b', 0] });
    const workflow = graph({ positive: both, a: encode('a cat'), b: encode('on a mat') });
    expect(rowOf({}, workflow).prompt).toBe('a cat\non a mat');
  });

  it('has the size of the first image if the workflow has none', () => {
    const fromImage = graph({
      latent: node('VAEEncode', { pixels: ['load', 0], vae: ['ckpt', 2] }),
      load: node('LoadImage', { image: 'x.png' }),
    });
    const outputs = [collected({ mediaType: 'text/plain' }), collected({ width: 640, height: 480 })];
    expect(rowOf({ outputs }, fromImage)).toMatchObject({ width: 640, height: 480 });
    expect(rowOf({ outputs })).toMatchObject({ width: 512, height: 768 });
  });

  it('has only texts and numbers that the columns accept', () => {
    const workflow = graph(
      {
        positive: encode(`\u0000\ud800${'😀'.repeat(100_000)}`),
        latent: node('EmptyLatentImage', { width: 2 ** 31, height: 1.5 }),
      },
      { steps: 1e300 },
    );
    const error = new ComfyUIError('execution_failed', '\u0000'.repeat(200_000));
    const row = rowOf(
      { label: 'x'.repeat(1_000), error, outputs: [collected({ filename: 'a\u0000\udfff.png' })] },
      workflow,
    );
    expect(row).toMatchObject({ width: null, height: null, steps: null, files: [{ filename: 'a\ufffd\ufffd.png' }] });
    expect(row.prompt).toHaveLength(100_000);
    expect(row.error_message).toHaveLength(100_000);
    expect(row.label).toHaveLength(500);
    expect(JSON.stringify(row)).not.toMatch(/\\u0000|\\ud[89a-f]/);
  });
});

describe('canonicalWorkflow', () => {
  it('does not depend on the order of the keys', () => {
    const text =
      '{"10":{"inputs":{"b":[1,{"y":1,"x":2}],"a":18446744073709551615},"class_type":"A"},"9":{"class_type":"B","inputs":{}}}';
    const other =
      '{"9":{"inputs":{},"class_type":"B"},"10":{"class_type":"A","inputs":{"a":18446744073709551615,"b":[1,{"x":2,"y":1}]}}}';
    expect(canonicalWorkflow(readWorkflow(text))).toBe(canonicalWorkflow(readWorkflow(other)));
    expect(canonicalWorkflow(readWorkflow(text))).toBe(
      '{"10":{"class_type":"A","inputs":{"a":18446744073709551615,"b":[1,{"x":2,"y":1}]}},"9":{"class_type":"B","inputs":{}}}',
    );
  });

  it('differs for different graphs', () => {
    const texts = [graph(), graph({}, { seed: 43 }), graph({}, { seed: '42' }), graph({ extra: node('Note') })].map(
      canonicalWorkflow,
    );
    expect(new Set(texts).size).toBe(4);
    expect(canonicalWorkflow(readWorkflow(writeWorkflow(graph())))).toBe(texts[0]);
  });
});
