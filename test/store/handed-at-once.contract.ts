import type { Lease } from '../../src/application/backends/lease-repository';
import type { Job } from '../../src/domain/job/job';
import { KyselyLeaseRepository } from '../../src/infrastructure/database/kysely-lease-repository';
import { handed, NOON, waitingJob, WORKFLOW } from './jobs';
import type { Opened } from './opened';

/** What `JobStore.add` promises of a job that comes with the server it can be handed to, where several processes share the servers. */
export function describeHandedAtOnce(opened: () => Opened): void {
  const backend = 'http://gpu-1:8188';
  const terms = { atMost: 1, ttlMs: 60_000 };
  let lease: Lease;

  beforeEach(async () => {
    const leases = new KyselyLeaseRepository(opened().database);
    [lease] = (await leases.acquire('us', [backend], terms)) as [Lease];
  });

  async function offered(under: Lease | undefined, queuedAt = NOON): Promise<Job> {
    const job = waitingJob({ queuedAt });
    const kept = await opened().add(job, { handed: { job: handed(job, backend), lease: under } });
    expect(await opened().store.find(job.id)).toEqual(kept);
    return kept;
  }

  it('gets it while its lease holds and nobody waits', async () => {
    expect(await offered(lease)).toMatchObject({ backend, fencingToken: 1 });
    expect(await offered(lease)).toMatchObject({ backend, fencingToken: 1 });
    await opened().add(waitingJob());
    expect(await offered(lease)).toMatchObject({ backend: null, fencingToken: 0 });
  });

  it('waits when the server changed hands, or nobody has it', async () => {
    expect(await offered(undefined)).toMatchObject({ backend: null });
    await opened().drain();
    expect(await offered({ ...lease, epoch: lease.epoch + 1 })).toMatchObject({ backend: null });
  });

  async function takeOver(): Promise<unknown> {
    const leases = new KyselyLeaseRepository(opened().database);
    await leases.release('us', [backend]);
    return leases.acquire('them', [backend], terms);
  }

  it.each([
    ['somebody waits', () => opened().add(waitingJob({ queuedAt: NOON + 3 }))],
    ['the server changed hands', takeOver],
  ])('waits when %s, also if it was otherwise a moment ago', async (_what, happens) => {
    for (const ms of [1, 2]) expect(await offered(lease, NOON + ms)).toMatchObject({ backend });
    await happens();
    const waiting = await offered(lease, NOON + 4);
    expect(waiting).toMatchObject({ backend: null, fencingToken: 0 });
    expect(await opened().store.workflow(waiting.id)).toEqual(WORKFLOW);
    expect((await opened().drain()).at(-1)).toBe(waiting.id);
  });

  it('is seen by whoever takes the server over while it is written', async () => {
    const leases = new KyselyLeaseRepository(opened().database);
    await leases.release('us', [backend]);
    const backlog = opened().backlog;
    for (let round = 0; round < 20; round += 1) {
      const [ours] = (await leases.acquire('us', [backend], terms)) as [Lease];
      const adding = offered(ours);
      await leases.release('us', [backend]);
      await leases.acquire('them', [backend], terms);
      const seen = await backlog.handedTo(backend);
      const kept = await adding;
      expect(seen.map(({ id }) => id).includes(kept.id)).toBe(kept.backend !== null);
      await leases.release('them', [backend]);
      await opened().drain();
    }
  });
}
