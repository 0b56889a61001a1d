import { createHash } from 'node:crypto';
import type { ComfyUIOptions } from '../../src';
import { JobRepository } from '../../src/application/jobs/job-repository';
import { canonicalWorkflow } from '../../src/domain/workflow/workflow-text';
import type { Simulator } from '../../src/simulator';
import { inFolder, inPostgres, type Place } from '../store/places';
import { eventually } from '../support/eventually';
import { jobsOf } from '../support/jobs';
import { type Platform, postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { PostgrestStandIn } from '../support/supabase/postgrest-stand-in';
import { ProjectDatabase } from '../support/supabase/project-database';
import { flatPicture, noisePicture } from '../support/workflows';
import { describeWithPostgres } from '../table/with-postgres';

const SEED = 18446744073709551615n;

describeWithPostgres('the service with a Supabase project', () => {
  let comfyUI: Simulator;
  let project: ProjectDatabase;
  let standIn: PostgrestStandIn;
  let place: Place;
  const stacks: Stack[] = [];

  beforeEach(async () => {
    comfyUI = await startComfyUI();
    project = await ProjectDatabase.make();
    await project.setUp();
    standIn = await PostgrestStandIn.start(project.url);
    place = await inFolder();
  });

  afterEach(async () => {
    for (const stack of stacks.splice(0)) await stack.close();
    await standIn.close();
    await project.remove();
    await comfyUI.close();
    await place.remove();
  });

  async function start(options: ComfyUIOptions = {}, platform: Platform = 'service'): Promise<Stack> {
    const supabaseTable = { url: standIn.url, key: standIn.secretKey };
    const publicUrl = 'https://comfy.example';
    const stack = await startStack(
      { baseUrl: comfyUI.url, shutdownGrace: 0, publicUrl, supabaseTable, ...place.options, ...options },
      platform,
    );
    stacks.push(stack);
    return stack;
  }

  const generate = (stack: Stack, color: number) => postJson(`${stack.url}/generate`, { prompt: flatPicture(color) });
  const arrived = (count: number) => eventually(async () => expect(await project.rows()).toHaveLength(count), 20_000);

  it('writes a row for each finished generation', async () => {
    const stack = await start();
    const workflow = JSON.stringify(noisePicture('SEED')).replace('"SEED"', String(SEED));
    expect((await postJson(`${stack.url}/generate`, `{"prompt":${workflow}}`)).status).toBe(200);
    await arrived(1);
    const [row] = await project.rows();
    const job = (await stack.app.get(JobRepository).find(String(row?.job_id)))!.job;
    const [output] = job.outputs;
    const url = `https://comfy.example/assets/${output?.assetId}`;
    expect(row).toMatchObject({
      status: 'succeeded',
      seed: String(SEED),
      width: 64,
      height: 64,
      workflow_hash: createHash('sha256')
        .update(canonicalWorkflow(noisePicture(SEED)))
        .digest('hex'),
      files: [{ asset_id: output?.assetId, node_id: '2', filename: output?.filename, media_type: 'image/png', url }],
      image_urls: [url],
      error_code: null,
      attempts: 1,
      queued_at: new Date(job.queuedAt),
      started_at: new Date(job.startedAt!),
      ended_at: new Date(job.endedAt!),
      duration_ms: String(job.endedAt! - job.startedAt!),
    });
  });

  it('writes the outcome of jobs that did not succeed', async () => {
    const stack = await start();
    const hold = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const { start: begin, cancel, ended, running } = jobsOf(stack);
    const ids = [await begin(flatPicture(1)), await begin(flatPicture(2)), await begin(flatPicture(3))];
    const [canceled = '', neverRun = '', failed = ''] = ids;
    await hold.struck;
    await running(canceled);
    await cancel(neverRun);
    await cancel(canceled);
    await ended(canceled);
    comfyUI.faults.arm({ kind: 'node-exception', classType: 'SaveImage', message: 'No ink left.' });
    hold.clear();
    await ended(failed);
    await arrived(3);
    expect(await project.rows()).toMatchObject([
      { job_id: canceled, status: 'canceled', error_code: 'canceled', attempts: 1, files: [] },
      { job_id: neverRun, status: 'canceled', error_code: 'canceled', attempts: 0, started_at: null },
      { job_id: failed, status: 'failed', error_code: 'execution_failed', error_message: expect.stringMatching('ink') },
    ]);
  });

  it('fails no job during an outage of Supabase, also across a restart, and writes each row once afterwards', async () => {
    const first = await start();
    await standIn.stop();
    for (const color of [1, 2, 3]) expect((await generate(first, color)).status).toBe(200);
    await first.close();
    stacks.length = 0;
    const second = await start();
    expect((await generate(second, 4)).status).toBe(200);
    expect((await jobsOf(second).list()).jobs.map(({ status }) => status)).toEqual(
      Array.from({ length: 4 }, () => 'succeeded'),
    );
    await standIn.listen();
    await arrived(4);
    expect((await generate(second, 5)).status).toBe(200);
    await arrived(5);
    expect(standIn.upserts.flat()).toHaveLength(5);
    expect(await project.rows()).toEqual(
      Array.from({ length: 5 }, () => expect.objectContaining({ status: 'succeeded' })),
    );
  });

  it('is shared by several processes on one database', async () => {
    await place.remove();
    place = await inPostgres();
    const both = [await start(), await start()];
    const begin = both.map((stack) => jobsOf(stack).start);
    const ids = await Promise.all(Array.from({ length: 10 }, (_, i) => begin[i % 2]!(flatPicture(i))));
    await arrived(10);
    expect((await project.rows()).map(({ job_id }) => job_id)).toEqual(expect.arrayContaining(ids));
  });

  it.each([
    ['that is wrong', () => 'sb_secret_of_another_project', 'refused the key: check that it is a key of this project'],
    ['with too few rights', () => standIn.anonKey, 'use the secret (service_role) key'],
  ])('refuses to start with a key %s', async (_what, key, message) => {
    await expect(start({ supabaseTable: { url: standIn.url, key: key() } })).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining(message),
    });
  });

  it('refuses to start without the table', async () => {
    await expect(
      start({ supabaseTable: { url: standIn.url, key: standIn.secretKey, table: 'pictures' } }),
    ).rejects.toMatchObject({
      message: expect.stringMatching(
        /"pictures" .* does not exist: run docs\/supabase.sql .* or check the name of the table/,
      ),
    });
  });

  it('writes to a table of another name', async () => {
    await project.run('alter table generations rename to pictures');
    const stack = await start({ supabaseTable: { url: standIn.url, key: standIn.serviceKey, table: 'pictures' } });
    await generate(stack, 1);
    await eventually(async () => expect(await project.rows('pictures')).toHaveLength(1));
  });

  it('never logs its key', async () => {
    const stack = await start({ publicUrl: undefined }, 'express');
    await generate(stack, 1);
    await arrived(1);
    standIn.interfere = (_body, { headers }) => ({
      status: 400,
      body: `${String(headers.apikey)} ${headers.authorization}`,
    });
    await generate(stack, 2);
    await eventually(() => expect(stack.logs.join('\n')).toContain('has no row yet, next attempt in 1 min'));
    await standIn.stop();
    await generate(stack, 3);
    await eventually(() => expect(stack.logs.join('\n')).toContain('cannot be reached (ECONNREFUSED)'));
    expect(stack.logs.join('\n')).toContain('because no public URL is set');
    expect(stack.logs.join('\n')).not.toContain(standIn.secretKey);
  });
});

describe('the service without a Supabase project', () => {
  it('publishes nothing', async () => {
    const comfyUI = await startComfyUI();
    const stack = await startStack({ baseUrl: comfyUI.url }, 'express');
    expect((await postJson(`${stack.url}/generate`, { prompt: flatPicture(1) })).status).toBe(200);
    expect(stack.logs.join('\n')).not.toMatch(/Publication|PUBLIC_URL/);
    await stack.close();
    await comfyUI.close();
  });
});
