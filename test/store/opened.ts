import type { JobQueue } from '../../src/application/jobs/job-queue';
import type { JobEntry } from '../../src/application/jobs/job-repository';
import { hasEnded, type Job } from '../../src/domain/job/job';
import type { Database } from '../../src/infrastructure/database/database';
import { KyselyAbandonedPrompts } from '../../src/infrastructure/database/kysely-abandoned-prompts';
import { KyselyAssetRepository } from '../../src/infrastructure/database/kysely-asset-repository';
import { KyselyJobBacklog } from '../../src/infrastructure/database/kysely-job-backlog';
import { KyselyJobCancels } from '../../src/infrastructure/database/kysely-job-cancels';
import { KyselyJobQueue } from '../../src/infrastructure/database/kysely-job-queue';
import { KyselyJobRepository } from '../../src/infrastructure/database/kysely-job-repository';
import { KyselyOldJobs } from '../../src/infrastructure/database/kysely-old-jobs';
import { KyselyStoredFiles } from '../../src/infrastructure/database/kysely-stored-files';
import { type DatabaseOptions, openDatabase } from '../../src/infrastructure/database/open-database';
import { entryOf } from './jobs';
import type { Place } from './places';

/** An open database, and what is kept in it. */
export class Opened {
  readonly store: KyselyJobRepository;
  readonly queue: KyselyJobQueue;
  readonly backlog: KyselyJobBacklog;
  readonly cancels: KyselyJobCancels;
  readonly prompts: KyselyAbandonedPrompts;
  readonly files: KyselyStoredFiles;
  readonly oldJobs: KyselyOldJobs;
  readonly assets: KyselyAssetRepository;

  constructor(readonly database: Database) {
    this.store = new KyselyJobRepository(database);
    this.queue = new KyselyJobQueue(database);
    this.cancels = new KyselyJobCancels(database);
    this.backlog = new KyselyJobBacklog(database);
    this.prompts = new KyselyAbandonedPrompts(database);
    this.files = new KyselyStoredFiles(database);
    this.oldJobs = new KyselyOldJobs(database);
    this.assets = new KyselyAssetRepository(database);
  }

  static async at(options: DatabaseOptions): Promise<Opened> {
    return new Opened(await openDatabase(options));
  }

  async add(job: Job, rest?: Partial<JobEntry>): Promise<Job> {
    return (await this.store.add(entryOf(job, rest))).job;
  }

  /** Moves a stored job on. */
  async move(job: Job, change: (job: Job) => Job): Promise<Job> {
    const next = change(job);
    if (!(await this.store.save(next, job.fencingToken))) throw new Error('the job was not where it was thought to be');
    return next;
  }

  /** The waiting jobs in the order in which a queue hands them over; they are, then. Others may be at it, too. */
  async drain(queue: JobQueue = this.queue): Promise<string[]> {
    const ids: string[] = [];
    for (let ticket = await queue.next([]); ticket; ticket = await queue.next([])) {
      const job = await this.store.find(ticket.jobId);
      if (job && job.backend === null && !hasEnded(job)) {
        const gone = { ...job, fencingToken: job.fencingToken + 1, backend: 'http://gpu-1:8188' };
        if (await this.store.save(gone, job.fencingToken)) ids.push(job.id);
      }
      await queue.settle(ticket);
    }
    return ids;
  }
}

interface FreshDatabase {
  readonly place: Place;
  readonly current: Opened;
  reopen(): Promise<void>;
}

/** A fresh database for each test. `current` is open; `reopen` is a restart. */
export function freshDatabase(makePlace: () => Promise<Place>): FreshDatabase {
  let place: Place;
  let current: Opened;

  beforeEach(async () => {
    place = await makePlace();
    current = await Opened.at(place.options);
  });

  afterEach(async () => {
    await current.database.close();
    await place.remove();
  });

  return {
    get place() {
      return place;
    },
    get current() {
      return current;
    },
    async reopen() {
      await current.database.close();
      current = await Opened.at(place.options);
    },
  };
}
