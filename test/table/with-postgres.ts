import { serverUrl } from '../store/places';

/** Only a real PostgreSQL can check the SQL of the table. */
export function describeWithPostgres(name: string, describeIt: () => void): void {
  if (process.env.TEST_DATABASE_URL) {
    describe(name, describeIt);
  } else if (process.env.CI) {
    it('finds a PostgreSQL server', () => expect(serverUrl()).toBeDefined());
  } else {
    console.warn(`NOTHING is tested of ${name}: run \`export $(.ci/postgres start)\` first.`);
    it.todo(`works: ${name}`);
  }
}
