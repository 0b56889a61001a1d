import { serverUrl } from '../store/places';

/** What a table is made of is checked by a real PostgreSQL only. */
export function describeWithPostgres(name: string, describeIt: () => void): void {
  if (process.env.TEST_DATABASE_URL) {
    describe(name, describeIt);
  } else if (process.env.CI) {
    it('finds a PostgreSQL server to be tested on', () => expect(serverUrl()).toBeDefined());
  } else {
    console.warn(`NOTHING is tested of ${name}: run \`export $(.ci/postgres start)\` first.`);
    it.todo(`works: ${name}`);
  }
}
