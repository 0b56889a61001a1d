import type { JobDto, JobPageDto } from '../../../../src/presentation/shared/jobs/job.dto';
import { type Answer, type Call, getJson } from './http';

/** The service as its callers see it: one process, or several behind one address. */
export abstract class Front {
  abstract call(path: string, options?: Call): Promise<Answer>;

  /** Whether a process ended by itself. */
  abstract readonly hasCrashed: boolean;

  /** Where to ask now. */
  abstract readonly url: string;

  get<T>(path: string): Promise<T> {
    return getJson(this.url + path);
  }

  job(id: string): Promise<JobDto> {
    return this.get(`/jobs/${id}`);
  }

  cancel(id: string): Promise<Answer> {
    return this.call(`/jobs/${id}/cancel`, { method: 'POST' });
  }

  /** All there are. */
  async jobs(): Promise<JobDto[]> {
    const all: JobDto[] = [];
    for (let next: string | null = ''; next !== null;) {
      const page: JobPageDto = await this.get(`/jobs?limit=200&cursor=${next}`);
      all.push(...page.jobs);
      ({ next } = page);
    }
    return all;
  }
}
