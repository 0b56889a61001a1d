import { useRigs } from './support/rigs';
import { until } from './support/until';

const startRig = useRigs();

describe('a backend that is frozen (SIGSTOP)', () => {
  it('loses its jobs to the other one after half a minute, and its late results are not delivered', async () => {
    const rig = await startRig();
    const [frozen, other] = [rig.backend(0), rig.backend(1)];
    const orders = await rig.orders.submitAll(4, { seconds: 6, steps: 60 });
    await until('one prompt runs and one waits', async () => {
      const { running, pending } = await frozen.queue();
      return running.length === 1 && pending.length === 1;
    });
    const { running } = await frozen.queue();
    frozen.freeze();
    await rig.orders.submitAll(2);
    for (const order of orders) {
      const job = await rig.audit.until(order, ({ status }) => status === 'succeeded', 90_000);
      expect(job.attempts.at(-1)?.backend).toBe(other.url);
    }
    frozen.thaw();
    const late = running[0]?.[1] ?? '';
    const entry = await until('the late run has ended', async () => (await frozen.history())[late]);
    expect(entry.status.completed).toBe(false);
    expect(await rig.audit.findings()).toEqual([]);
  });

  it('keeps its jobs when it resumes in time', async () => {
    const rig = await startRig();
    const frozen = rig.backend();
    const orders = await rig.orders.submitAll(3, { seconds: 1 });
    await until('a prompt runs', async () => (await frozen.queue()).running.length === 1);
    frozen.freeze();
    await until(
      'the status reports it as unreachable',
      async () => !(await rig.service.status()).backends[0]?.reachable,
    );
    frozen.thaw();
    expect(await rig.audit.findings()).toEqual([]);
    for (const order of orders) expect((await rig.audit.jobOf(order)).attempts).toHaveLength(1);
  });
});
