import { describeLeases } from './leases.contract';
import { describeOnPostgres, inSharedPostgres } from './places';
import { describeStore } from './store.contract';

describeOnPostgres('on PostgreSQL', () => {
  describeStore('the database', inSharedPostgres);

  describe('leases', () => {
    describeLeases(inSharedPostgres());
  });
});
