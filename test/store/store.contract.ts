import { describeAbandonedPrompts } from './abandoned-prompts.contract';
import { describeAssetFiles } from './asset-files.contract';
import { describeAssetList } from './asset-list.contract';
import { describeAssetRepository } from './asset-repository.contract';
import { describeClaim } from './claim.contract';
import { describeDurability } from './durability.contract';
import { describeIdempotency } from './idempotency.contract';
import { describeJobList } from './job-list.contract';
import { describeJobRepository } from './job-repository.contract';
import { describeMigration } from './migration.contract';
import { describeOpenJobs } from './open-jobs.contract';
import { describeOutbox } from './outbox.contract';
import type { Place } from './places';
import { describeTransactions } from './transactions.contract';

/** All contracts of the database. @param usePlaces called within the `describe` block */
export function describeStore(name: string, usePlaces: () => () => Promise<Place>): void {
  describe(name, () => {
    const makePlace = usePlaces();
    describe('a transaction', () => describeTransactions(makePlace));
    describe('the job repository', () => describeJobRepository(makePlace));
    describe('an idempotency key', () => describeIdempotency(makePlace));
    describe('the list of jobs', () => describeJobList(makePlace));
    describe('a claim', () => describeClaim(makePlace));
    describe('open jobs', () => describeOpenJobs(makePlace));
    describe('abandoned prompts', () => describeAbandonedPrompts(makePlace));
    describe('files', () => describeAssetFiles(makePlace));
    describe('the outbox', () => describeOutbox(makePlace));
    describe('an asset', () => describeAssetRepository(makePlace));
    describe('the list of assets', () => describeAssetList(makePlace));
    describe('a restart', () => describeDurability(makePlace));
    describe('the database of version 0.1.0', () => describeMigration(makePlace));
  });
}
