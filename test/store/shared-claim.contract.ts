import type { Lease } from '../../src/application/backends/lease-repository';
import type { AssignedJob } from '../../src/application/jobs/job-repository';
import type { Job } from '../../src/domain/job/job';
import { pass, take } from './claim.contract';
import { assigned, waitingJob } from './jobs';
import { Opened } from './opened';
import type { Place } from './places';

const [ONE, TWO] = ['http://gpu-1:8188', 'http://gpu-2:8188'] as const;

/** `JobRepository.claim` under leases, by several processes. */
export function describeSharedClaim(opened: () => Opened, place: () => Place): void {
  let other: Opened;
  let [ours, theirs]: readonly Lease[] = [];

  beforeEach(async () => {
    other = await Opened.at(place().options);
    const terms = { atMost: 1, ttlMs: 60_000 };
    [ours] = await opened().leases.acquire('us', [ONE], terms);
    [theirs] = await opened().leases.acquire('them', [TWO], terms);
  });

  afterEach(() => other.database.close());

  const under =
    (lease: Lease | undefined) =>
    (job: Job): AssignedJob => ({ job: assigned(job, lease?.backend), lease });

  async function drain({ jobs }: Opened, lease: Lease | undefined): Promise<string[]> {
    const ids: string[] = [];
    for (let job = await jobs.claim({ assign: under(lease) }); job; job = await jobs.claim({ assign: under(lease) }))
      ids.push(job.id);
    return ids;
  }

  it('stores the assignment while the lease is held', async () => {
    const { id } = await opened().add(waitingJob());
    expect(await opened().jobs.claim({ assign: under(ours) })).toMatchObject({ id, backend: ONE });
    expect(await other.find(id)).toMatchObject({ backend: ONE, fencingToken: 1 });
  });

  it('changes nothing once another process has the lease, and tries no further job', async () => {
    const jobs = [await opened().add(waitingJob()), await opened().add(waitingJob())];
    await opened().leases.release('us', [ONE]);
    await opened().leases.acquire('them', [ONE], { atMost: 1, ttlMs: 60_000 });
    let calls = 0;
    const assign = (job: Job) => {
      calls += 1;
      return under(ours)(job);
    };
    expect(await opened().jobs.claim({ assign })).toBeUndefined();
    expect(calls).toBe(1);
    for (const { id } of jobs) expect(await other.find(id)).toMatchObject({ backend: null, fencingToken: 0 });
  });

  it('hands out every job once to several processes', async () => {
    const added = await Promise.all(Array.from({ length: 40 }, () => opened().add(waitingJob())));
    const claimed = await Promise.all([
      drain(opened(), ours),
      drain(other, theirs),
      drain(opened(), ours),
      drain(other, theirs),
    ]);
    expect(claimed.flat().toSorted()).toEqual(added.map(({ id }) => id).toSorted());
    for (const { id } of added) expect(await other.find(id)).toMatchObject({ fencingToken: 1 });
  });

  it('takes the next job, without waiting, while another process is writing the first one', async () => {
    const [first, second] = [await opened().add(waitingJob()), await opened().add(waitingJob())];
    await other.database.kysely.transaction().execute(async (transaction) => {
      await transaction.selectFrom('jobs').select('id').where('id', '=', first.id).forUpdate().execute();
      expect(await opened().jobs.claim({ assign: under(ours) })).toMatchObject({ id: second.id });
    });
    expect(await opened().jobs.claim({ assign: under(ours) })).toMatchObject({ id: first.id });
  });

  it('hides no job from other processes while it decides', async () => {
    const { id } = await opened().add(waitingJob());
    let claimed: Promise<Job | undefined> | undefined;
    const assign = (job: Job) => {
      claimed = other.jobs.claim({ assign: take });
      return pass()(job);
    };
    expect(await opened().jobs.claim({ assign })).toBeUndefined();
    expect(await claimed).toMatchObject({ id });
  });
}
