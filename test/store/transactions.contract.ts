import { ComfyUIError } from '../../src/domain/errors';
import type { Transaction } from '../../src/infrastructure/database/statements';
import { freshDatabase, type Opened } from './opened';
import type { Place } from './places';

/** `Database.transact`. */
export function describeTransactions(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const transact: Opened['database']['transact'] = (write) => database.current.database.transact(write);

  const keep = ({ kysely }: Transaction, sha256: string) =>
    kysely.insertInto('files').values({ sha256, stored_at: 1, removing_at: null }).compile();
  const kept = async () => {
    const rows = await database.current.database.kysely
      .selectFrom('files')
      .select('sha256')
      .orderBy('sha256')
      .execute();
    return rows.map(({ sha256 }) => sha256);
  };

  it('executes statements in the order of the calls', async () => {
    const seen = await transact(async (transaction) => {
      transaction.send(keep(transaction, 'a'));
      transaction.send(transaction.kysely.updateTable('files').set({ stored_at: 2 }).compile());
      const query = transaction.kysely.selectFrom('files').select('stored_at').compile();
      const [row] = (await transaction.run(query)).rows as { stored_at: number }[];
      transaction.send(keep(transaction, 'b'));
      return row?.stored_at;
    });
    expect(seen).toBe(2);
    expect(await kept()).toEqual(['a', 'b']);
  });

  it('keeps nothing when a statement fails, first or last', async () => {
    for (const order of [
      ['a', 'a', 'b'],
      ['b', 'a', 'a'],
    ])
      await expect(
        transact(async (transaction) => order.forEach((sha256) => transaction.send(keep(transaction, sha256)))),
      ).rejects.toMatchObject({ code: expect.stringMatching(/^(23505|SQLITE_CONSTRAINT.*)$/) });
    expect(await kept()).toEqual([]);
  });

  it('does not confuse the plans of statements around a failure', async () => {
    const named = (transaction: Transaction, name: string, sha256: string) =>
      transaction.send({ ...keep(transaction, sha256), name });
    const write = (...ids: string[]) =>
      transact(async (transaction) => ids.forEach((sha256, index) => named(transaction, `plan_${index}`, sha256)));
    await expect(write('a', 'a', 'b')).rejects.toMatchObject({
      code: expect.stringMatching(/^(23505|SQLITE_CONSTRAINT.*)$/),
    });
    await write('a', 'b', 'c');
    expect(await kept()).toEqual(['a', 'b', 'c']);
  });

  it('rejects with the error of the write, and leaves the database as it was', async () => {
    const refusal = new ComfyUIError('queue_full', 'No room.');
    await expect(transact(() => Promise.reject(refusal))).rejects.toBe(refusal);
    await transact(async (transaction) => transaction.send(keep(transaction, 'a')));
    expect(await kept()).toEqual(['a']);
  });

  it('takes thousands of statements', async () => {
    const ids = Array.from({ length: 5_000 }, (_, index) => String(index).padStart(5, '0'));
    await transact(async (transaction) => ids.forEach((id) => transaction.send(keep(transaction, id))));
    expect(await kept()).toEqual(ids);
  });
}
