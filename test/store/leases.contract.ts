import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { KyselyLeaseRepository } from '../../src/infrastructure/database/kysely-lease-repository';
import { assigned, started, succeeded, waitingJob } from './jobs';
import { freshDatabase, Opened } from './opened';
import type { Place } from './places';

const [ONE, TWO] = ['http://gpu-1:8188', 'http://gpu-2:8188'] as const;
const LONG = { atMost: 9, ttlMs: 60_000 } as const;

/** `LeaseRepository` in PostgreSQL. */
export function describeLeases(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const [me, you] = [randomUUID(), randomUUID()];
  const leases = () => new KyselyLeaseRepository(database.current.database);

  it('have one holder at a time, and are free when they expire', async () => {
    expect(await leases().acquire(me, [ONE, TWO], { atMost: 1, ttlMs: 300 })).toEqual([{ backend: ONE, epoch: 1 }]);
    expect(await leases().acquire(you, [ONE], LONG)).toEqual([]);
    await setTimeout(350);
    expect(await leases().acquire(you, [ONE], LONG)).toEqual([{ backend: ONE, epoch: 2 }]);
    expect((await leases().renew(me, 1_000)).leases).toEqual([]);
    expect((await leases().renew(you, 1_000)).leases).toEqual([{ backend: ONE, epoch: 2 }]);
  });

  it('last while they are renewed, and longer unless another process acquires them', async () => {
    await leases().acquire(me, [ONE], { atMost: 1, ttlMs: 300 });
    for (let i = 0; i < 3; i += 1) {
      await setTimeout(200);
      await leases().renew(me, 300);
      expect(await leases().acquire(you, [ONE], LONG)).toEqual([]);
    }
    await setTimeout(350);
    expect((await leases().renew(me, 60_000)).leases).toEqual([{ backend: ONE, epoch: 1 }]);
    expect(await leases().acquire(you, [ONE], LONG)).toEqual([]);
  });

  it('are free for others as soon as they are released, under the next epoch', async () => {
    await leases().acquire(me, [ONE, TWO], LONG);
    await leases().release(you, [ONE]);
    await leases().release(me, []);
    expect(await leases().acquire(you, [ONE, TWO], LONG)).toEqual([]);
    await leases().release(me, [TWO]);
    expect(await leases().acquire(you, [ONE, TWO], LONG)).toEqual([{ backend: TWO, epoch: 2 }]);
    await leases().release(me);
    expect(await leases().acquire(you, [ONE], LONG)).toEqual([{ backend: ONE, epoch: 2 }]);
  });

  it('come with the number of holders', async () => {
    expect(await leases().renew(me, 60_000)).toEqual({ leases: [], holders: 1 });
    expect((await leases().renew(you, 300)).holders).toBe(2);
    expect((await leases().renew(me, 60_000)).holders).toBe(2);
    await setTimeout(350);
    expect((await leases().renew(me, 60_000)).holders).toBe(1);
    await leases().release(me);
    expect((await leases().renew(you, 300)).holders).toBe(1);
  });

  it('are each acquired by one of several processes at once', async () => {
    const opened = await Promise.all(Array.from({ length: 4 }, () => Opened.at(database.place.options)));
    const urls = Array.from({ length: 8 }, (_, i) => `http://gpu-${i}:8188`);
    const won = await Promise.all(
      opened.map((each) =>
        new KyselyLeaseRepository(each.database).acquire(randomUUID(), urls, { ...LONG, atMost: 3 }),
      ),
    );
    expect(
      won
        .flat()
        .map(({ backend }) => backend)
        .toSorted(),
    ).toEqual(urls);
    for (const leasesOfOne of won) expect(leasesOfOne.length).toBeLessThanOrEqual(3);
    await Promise.all(opened.map((each) => each.database.close()));
  });

  describe('a write', () => {
    const save = (...call: Parameters<Opened['jobs']['save']>) => database.current.jobs.save(...call);
    const add = () => database.current.add(waitingJob());

    it('is refused when another process has the lease, or none has', async () => {
      const [lease] = await leases().acquire(me, [ONE], { atMost: 1, ttlMs: 1 });
      const job = await add();
      expect(await save(assigned(job), 0, { lease })).toBe(true);
      const running = (await database.current.find(job.id))!;
      await setTimeout(20);
      expect(await save({ ...running, revision: 7 }, 1, { lease })).toBe(true);
      const [newer] = await leases().acquire(you, [ONE], LONG);
      expect(await save(succeeded(running), 1, { lease })).toBe(false);
      expect(await save(started(await add()), 0, { lease })).toBe(false);
      expect(await save(succeeded(running), 1, { lease: { backend: TWO, epoch: 1 } })).toBe(false);
      expect(await database.current.find(job.id)).toMatchObject({ revision: 7, backend: ONE });
      expect(await save(succeeded(running), 1, { lease: newer })).toBe(true);
    });

    it('that is not answered yet is read by a process that takes over', async () => {
      const [lease] = await leases().acquire(me, [ONE], { atMost: 1, ttlMs: 1 });
      const job = await add();
      await save(assigned(job), 0, { lease });
      const running = (await database.current.find(job.id))!;
      await setTimeout(20);
      for (let i = 0; i < 20; i += 1) {
        const late = save({ ...running, revision: 100 + i }, 1, { lease });
        const taken = await leases().acquire(you, [ONE], { atMost: 1, ttlMs: 1 });
        const seen = await database.current.find(job.id);
        expect(taken).toHaveLength(1);
        const isWritten = await late;
        expect((await database.current.find(job.id))!.revision).toBe(seen!.revision);
        if (isWritten) expect(seen!.revision).toBe(100 + i);
        else break;
      }
    });

    it('that assigns a job does not wait for others that assign it', async () => {
      const [lease] = await leases().acquire(me, [ONE], LONG);
      const [other] = await leases().acquire(you, [TWO], LONG);
      const job = await add();
      const claims = Array.from({ length: 10 }, (_, i) =>
        save(assigned(job, i % 2 === 0 ? ONE : TWO), 0, { lease: i % 2 === 0 ? lease : other }),
      );
      expect((await Promise.all(claims)).filter(Boolean)).toHaveLength(1);
    });
  });
}
