import { useRigs } from './support/rigs';
import { until } from './support/until';

const startRig = useRigs();

const OUT_OF_MEMORY = {
  kind: 'node-exception',
  classType: 'SaveImage',
  type: 'torch.OutOfMemoryError',
  message: 'Allocation on device',
} as const;

const CUDA_FAULT = {
  kind: 'node-exception',
  classType: 'SaveImage',
  message: 'CUDA error: an illegal memory access was encountered',
} as const;

describe('a run that fails', () => {
  it('only in part is canceled, and the others run', async () => {
    const rig = await startRig({ backends: 1 });
    await rig.backend().arm({ kind: 'node-errors', nodeId: '4', message: 'not today' });
    const more = { '4': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } } };
    await rig.orders.submit({ more, seconds: 3, endings: ['invalid_workflow'] });
    await rig.orders.submitAll(2);
    expect(await rig.audit.findings()).toEqual([]);
    expect(await rig.backend().files()).toHaveLength(2);
  });

  it('out of memory is repeated once, after memory is freed', async () => {
    const rig = await startRig({ backends: 1 });
    await rig.backend().arm(OUT_OF_MEMORY);
    const order = await rig.orders.submit();
    await rig.orders.submitAll(2);
    expect(await rig.audit.findings()).toEqual([]);
    expect((await rig.audit.jobOf(order)).attempts).toMatchObject([
      { error: { code: 'out_of_memory' } },
      { error: null },
    ]);
    expect((await rig.backend().stats()).requests).toMatchObject({ 'POST /free': 1 });
  });

  it('out of memory twice is not repeated again', async () => {
    const rig = await startRig({ backends: 1 });
    await rig.backend().arm({ ...OUT_OF_MEMORY, times: 2 });
    const order = await rig.orders.submit({ endings: ['out_of_memory'] });
    await rig.audit.until(order, ({ status }) => status === 'failed');
    await rig.orders.submitAll(2);
    expect(await rig.audit.findings()).toEqual([]);
    expect((await rig.audit.jobOf(order)).attempts).toHaveLength(2);
  });

  it('on a broken device is repeated on another one', async () => {
    const rig = await startRig();
    await rig.backend().arm(CUDA_FAULT);
    await rig.orders.submitAll(4);
    expect(await rig.audit.findings()).toEqual([]);
    const jobs = await Promise.all(rig.orders.all.map((order) => rig.audit.jobOf(order)));
    const [repeated] = jobs.filter(({ attempts }) => attempts.length === 2);
    expect(repeated?.attempts.map(({ backend }) => backend)).toEqual([rig.backend(0).url, rig.backend(1).url]);
  });

  it('on a device that fails every run does not fail its job', async () => {
    const rig = await startRig();
    await rig.backend().arm({ ...CUDA_FAULT, classType: 'EmptyImage', times: Infinity });
    await rig.orders.submitAll(8, { seconds: 1 });
    expect(await rig.audit.findings({ withinMs: 60_000 })).toEqual([]);
  });
});

describe('a backend whose worker is dead', () => {
  it('loses its jobs to the other one', async () => {
    const rig = await startRig();
    await rig.backend().arm({ kind: 'dead-worker' });
    await rig.orders.submitAll(6);
    for (const order of rig.orders.all) await rig.audit.until(order, ({ status }) => status === 'succeeded', 60_000);
    await rig.backend().kill();
    await rig.backend().start();
    expect(await rig.audit.findings()).toEqual([]);
    for (const job of await rig.service.jobs()) expect(job.attempts.at(-1)?.backend).toBe(rig.backend(1).url);
  });

  it('runs its jobs after a restart', async () => {
    const rig = await startRig({ backends: 1 });
    await rig.backend().arm({ kind: 'dead-worker' });
    await rig.orders.submitAll(3);
    await until('the log reports it', async () => (await rig.log()).includes('its worker is dead'), 30_000);
    await rig.backend().kill();
    await rig.backend().start();
    expect(await rig.audit.findings({ withinMs: 60_000 })).toEqual([]);
  });
});
