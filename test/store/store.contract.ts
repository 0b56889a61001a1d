import { describeAbandonedPrompts } from './abandoned-prompts.contract';
import { describeAssetList } from './asset-list.contract';
import { describeAssetStore } from './asset-store.contract';
import { describeDurability } from './durability.contract';
import { describeEmbeddedQueue } from './embedded-queue.contract';
import { describeIdempotency } from './idempotency.contract';
import { describeJobBacklog } from './job-backlog.contract';
import { describeJobCancels } from './job-cancels.contract';
import { describeJobList } from './job-list.contract';
import { describeJobStore } from './job-store.contract';
import { describeOutbox } from './outbox.contract';
import type { Place } from './places';
import { describeStoredFiles } from './stored-files.contract';
import { describeTransactions } from './transactions.contract';

/** Everything the ports promise. @param lasts whether it outlives the process */
export function describeStore(name: string, makePlace: () => Promise<Place>, { lasts }: { lasts: boolean }): void {
  describe(name, () => {
    describe('transactions', () => describeTransactions(makePlace));
    describe('the store', () => describeJobStore(makePlace));
    describe('an idempotency key', () => describeIdempotency(makePlace));
    describe('the list', () => describeJobList(makePlace));
    describe('the queue', () => describeEmbeddedQueue(makePlace));
    describe('the backlog', () => describeJobBacklog(makePlace));
    describe('wishes to cancel', () => describeJobCancels(makePlace));
    describe('abandoned prompts', () => describeAbandonedPrompts(makePlace));
    describe('stored files', () => describeStoredFiles(makePlace));
    describe('the outbox', () => describeOutbox(makePlace));
    describe('the assets', () => describeAssetStore(makePlace));
    describe('the list of assets', () => describeAssetList(makePlace));
    if (lasts) describe('what is stored', () => describeDurability(makePlace));
  });
}
