import { handed, started, succeeded, waitingJob } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

const [HERE, THERE] = ['http://gpu-1:8188', 'http://gpu-2:8188'] as const;

/** What `JobCancels` promises. */
export function describeJobCancels(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const cancels = () => database.current.cancels;
  const add = () => database.current.add(waitingJob());

  it('are noted for jobs that are handed to a server, and found by it', async () => {
    const [running, other, waiting, ended] = [await add(), await add(), await add(), await add()];
    await database.current.move(running, started);
    await database.current.move(other, (job) => handed(job, THERE));
    await database.current.move(await database.current.move(ended, handed), succeeded);
    expect(await cancels().requested([HERE, THERE])).toEqual([]);
    const noted = [];
    for (const { id } of [running, other, waiting, ended]) noted.push(await cancels().request(id));
    expect(noted).toEqual([true, true, false, false]);
    expect(await cancels().requested([HERE])).toEqual([running.id]);
    expect(await cancels().requested([HERE, THERE])).toHaveLength(2);
    expect(await cancels().requested([])).toEqual([]);
  });

  it('show in the job, and no later write of who has not heard of it takes that back', async () => {
    const running = await database.current.move(await add(), started);
    await cancels().request(running.id);
    const requested = { status: 'canceling', cancelRequested: true };
    expect(await database.current.store.find(running.id)).toMatchObject(requested);
    expect(await database.current.store.save({ ...running, revision: 9 }, running.fencingToken)).toBe(true);
    expect(await database.current.store.find(running.id)).toMatchObject({ ...requested, revision: 9 });
    expect(await cancels().requested([HERE])).toEqual([running.id]);
  });
}
