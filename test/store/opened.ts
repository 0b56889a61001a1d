import type { LeaseRepository } from '../../src/application/backends/lease-repository';
import type { JobEntry, JobRepository } from '../../src/application/jobs/job-repository';
import type { Job } from '../../src/domain/job/job';
import type { Workflow } from '../../src/domain/workflow/workflow';
import type { Database } from '../../src/infrastructure/database/database';
import { KyselyAssetRepository } from '../../src/infrastructure/database/kysely-asset-repository';
import { KyselyJobRepository } from '../../src/infrastructure/database/kysely-job-repository';
import { KyselyLeaseRepository } from '../../src/infrastructure/database/kysely-lease-repository';
import { type DatabaseOptions, openDatabase } from '../../src/infrastructure/database/open-database';
import { SingleProcessLeaseRepository } from '../../src/infrastructure/database/single-process-lease-repository';
import { assigned, entryOf } from './jobs';
import type { Place } from './places';

/** An open database with its repositories. */
export class Opened {
  readonly jobs: KyselyJobRepository;
  readonly assets: KyselyAssetRepository;
  readonly leases: LeaseRepository;

  constructor(readonly database: Database) {
    const isShared = database.dialect === 'postgres';
    this.jobs = new KyselyJobRepository(database, { consumers: [] });
    this.assets = new KyselyAssetRepository(database);
    this.leases = isShared ? new KyselyLeaseRepository(database) : new SingleProcessLeaseRepository(database);
  }

  static async at(options: DatabaseOptions): Promise<Opened> {
    return new Opened(await openDatabase(options));
  }

  async add(job: Job, rest?: Partial<JobEntry>): Promise<Job> {
    return (await this.jobs.add(entryOf(job, rest))).job;
  }

  async find(id: string): Promise<Job | undefined> {
    return (await this.jobs.find(id))?.job;
  }

  async workflow(id: string): Promise<Workflow | undefined> {
    return (await this.jobs.find(id, { withWorkflow: true }))?.workflow;
  }

  /** Saves the next state of a stored job. */
  async move(job: Job, change: (job: Job) => Job): Promise<Job> {
    const next = change(job);
    if (!(await this.jobs.save(next, job.fencingToken))) throw new Error('the write was refused');
    return next;
  }

  /** Claims all waiting jobs for a backend; returns their ids in the order of the claims. */
  async drain(jobs: JobRepository = this.jobs): Promise<string[]> {
    const ids: string[] = [];
    for (;;) {
      const job = await jobs.claim({ assign: (waiting) => ({ job: assigned(waiting), lease: undefined }) });
      if (!job) return ids;
      ids.push(job.id);
    }
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
