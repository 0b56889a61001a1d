import { Fleet, type FleetOptions } from './fleet';

/** Set by the test environment, before the hooks after a test run. */
declare const global: { hasFailed?: boolean };

/** One fleet for all tests of a block; its logs are printed after a failed test. */
export function useOneFleet(options?: FleetOptions): () => Fleet {
  let fleet: Fleet | undefined;
  beforeAll(async () => {
    fleet = await Fleet.start(options);
  });
  afterEach(async () => {
    if (global.hasFailed) console.error(await fleet?.log());
  });
  afterAll(() => fleet?.close());
  return () => {
    if (!fleet) throw new Error('The fleet is not started yet.');
    return fleet;
  };
}

/** A fleet starts its own PostgreSQL and Redis. Outside CI, missing server packages are not installed: the tests are omitted. */
export function describeFleet(name: string, define: () => void): void {
  const { TEST_DATABASE_URL, TEST_REDIS_URL, CI } = process.env;
  if (CI || (TEST_DATABASE_URL && TEST_REDIS_URL)) return describe(name, define);
  console.warn(
    'The tests of several processes are omitted: run `export $(.ci/postgres start) $(.ci/redis start)` first.',
  );
  it.todo(name);
}
