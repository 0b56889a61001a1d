import type { Lease } from '../../src/application/backends/lease-repository';
import type { Job } from '../../src/domain/job/job';
import { KyselyLeaseRepository } from '../../src/infrastructure/database/kysely-lease-repository';
import { assigned, NOON, waitingJob, WORKFLOW } from './jobs';
import type { Opened } from './opened';

/** `JobRepository.add` with an assignment, where several processes share the backends. */
export function describeAssignedAtOnce(opened: () => Opened): void {
  const backend = 'http://gpu-1:8188';
  const terms = { atMost: 1, ttlMs: 60_000 };
  let lease: Lease;

  beforeEach(async () => {
    const leases = new KyselyLeaseRepository(opened().database);
    [lease] = (await leases.acquire('us', [backend], terms)) as [Lease];
  });

  async function added(under: Lease | undefined, queuedAt = NOON): Promise<Job> {
    const job = waitingJob({ queuedAt });
    const stored = await opened().add(job, { assigned: { job: assigned(job, backend), lease: under } });
    expect(await opened().find(job.id)).toEqual(stored);
    return stored;
  }

  it('is stored as assigned while the lease is held and no job waits', async () => {
    expect(await added(lease)).toMatchObject({ backend, fencingToken: 1 });
    expect(await added(lease)).toMatchObject({ backend, fencingToken: 1 });
    await opened().add(waitingJob());
    expect(await added(lease)).toMatchObject({ backend: null, fencingToken: 0 });
  });

  it('waits without a lease, or when another process holds it', async () => {
    expect(await added(undefined)).toMatchObject({ backend: null });
    await opened().drain();
    expect(await added({ ...lease, epoch: lease.epoch + 1 })).toMatchObject({ backend: null });
  });

  async function takeOver(): Promise<unknown> {
    const leases = new KyselyLeaseRepository(opened().database);
    await leases.release('us', [backend]);
    return leases.acquire('them', [backend], terms);
  }

  it.each([
    ['a job waits', () => opened().add(waitingJob({ queuedAt: NOON + 3 }))],
    ['another process takes the lease', takeOver],
  ])('waits when %s, also right after an assignment', async (_what, happens) => {
    for (const ms of [1, 2]) expect(await added(lease, NOON + ms)).toMatchObject({ backend });
    await happens();
    const waiting = await added(lease, NOON + 4);
    expect(waiting).toMatchObject({ backend: null, fencingToken: 0 });
    expect(await opened().workflow(waiting.id)).toEqual(WORKFLOW);
    expect((await opened().drain()).at(-1)).toBe(waiting.id);
  });

  it('is read by a process that takes the lease over while it is written', async () => {
    const leases = new KyselyLeaseRepository(opened().database);
    await leases.release('us', [backend]);
    for (let round = 0; round < 20; round += 1) {
      const [ours] = (await leases.acquire('us', [backend], terms)) as [Lease];
      const adding = added(ours);
      await leases.release('us', [backend]);
      await leases.acquire('them', [backend], terms);
      const seen = await opened().jobs.open({ kind: 'assigned', backends: [backend] });
      const stored = await adding;
      expect(seen.map(({ id }) => id).includes(stored.id)).toBe(stored.backend !== null);
      await leases.release('them', [backend]);
      await opened().drain();
    }
  });
}
