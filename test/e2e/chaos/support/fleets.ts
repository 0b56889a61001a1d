import { Fleet, type FleetOptions } from './fleet';

/** Set by the test environment, before the hooks after a test run. */
declare const global: { hasFailed?: boolean };

/** One fleet for all tests of a block; after a test that failed its logs are told. */
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
    if (!fleet) throw new Error('It is not started yet.');
    return fleet;
  };
}

/** Tests of a fleet start a PostgreSQL and a Redis of their own; they do not install them on a machine that is no test machine. */
export function describeFleet(name: string, define: () => void): void {
  const { TEST_DATABASE_URL, TEST_REDIS_URL, CI } = process.env;
  if (CI || (TEST_DATABASE_URL && TEST_REDIS_URL)) return describe(name, define);
  console.warn('NOTHING is tested of several processes: run `export $(.ci/postgres start) $(.ci/redis start)` first.');
  it.todo(name);
}
