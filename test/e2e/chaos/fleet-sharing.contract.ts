import { setTimeout } from 'node:timers/promises';
import { Callers } from './support/callers';
import { roundOf } from './support/dice';
import type { Front } from './support/front';
import type { Fleet } from './support/fleet';
import { until } from './support/until';
import { Viewer } from './support/viewer';

const { dice } = roundOf(1);

/** What several processes share, however they exchange it. */
export function describeSharing(theFleet: () => Fleet): void {
  it('share the ComfyUI servers, and run each job once', async () => {
    const fleet = theFleet();
    await until('each worker has its share', async () => (await fleet.parts()).join() === '2,2');
    await fleet.orders.submitAll(40, { seconds: 0.3 });
    const drivers = async () => {
      const jobs = await fleet.front.jobs();
      return new Set(jobs.flatMap(({ attempts }) => attempts.map(({ backend }) => backend)));
    };
    expect(await fleet.audit.findings()).toEqual([]);
    expect([...(await drivers())].toSorted()).toEqual(fleet.backends.map(({ url }) => url).toSorted());
    const logs = await Promise.all(fleet.workers.map((worker) => fleet.logOf(worker)));
    for (const log of logs) expect(log).toContain('succeeded with 1 files');
  });

  it('serve all endpoints as apis, and only their health as workers', async () => {
    const [api, worker] = [theFleet().apis[0]!, theFleet().workers[0]!];
    const paths = ['/health/ready', '/jobs', '/comfyui/status', '/docs'];
    const statuses = (front: Front) => Promise.all(paths.map(async (path) => (await front.call(path)).status));
    expect(await statuses(api)).toEqual([200, 200, 200, 200]);
    expect(await statuses(worker)).toEqual([200, 404, 404, 404]);
  });

  it('send jobs that run in another process to callers and viewers', async () => {
    const fleet = theFleet();
    const callers = new Callers(fleet.orders, dice, {
      count: 6,
      order: () => ({ seconds: 0.3, steps: 3 }),
    });
    await setTimeout(2_000);
    const order = await fleet.orders.submit({ seconds: 2.5, steps: 10 });
    const viewers = Array.from({ length: 3 }, () => new Viewer(fleet.front, order.jobId!));
    const ends = await Promise.all(viewers.map((viewer) => viewer.end()));
    await callers.leave();
    for (const end of ends) expect(end?.data).toMatchObject({ status: 'succeeded', outputs: [expect.anything()] });
    for (const { findings, connections } of viewers)
      expect({ findings, connections }).toEqual({ findings: [], connections: 1 });
    expect(await fleet.audit.findings()).toEqual([]);
  });

  it('cancel jobs that wait or run in another process', async () => {
    const fleet = theFleet();
    const orders = await fleet.orders.submitAll(16, { seconds: 6, steps: 60, endings: ['canceled'] });
    await until('some run', async () => (await fleet.front.jobs()).some(({ status }) => status === 'running'));
    await setTimeout(300);
    const answers = await Promise.all(orders.map(({ jobId }) => fleet.front.cancel(jobId!)));
    expect(answers.map(({ status }) => status)).toEqual(orders.map(() => 200));
    expect(await fleet.audit.findings({ withinMs: 10_000 })).toEqual([]);
  });
}
