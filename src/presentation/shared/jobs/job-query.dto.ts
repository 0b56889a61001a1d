import { Expose, Transform } from 'class-transformer';
import { IsIn, MaxLength, IsOptional, type ValidationArguments } from 'class-validator';
import type { JobQuery } from '../../../application/jobs/job-repository';
import { JOB_STATUSES, type JobStatus } from '../../../domain/job/job';
import { oneLine } from '../../../shared/text';
import { QueryNumber } from '../validation/query.decorators';

export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;

const MAX_CURSOR = 200;

/** The query of `GET /jobs`, and the message `jobs.list`. */
export class JobQueryDto implements JobQuery {
  /** `?status=queued,running`, `?status=queued&status=running`; none: all. */
  @Expose({ name: 'status' })
  @Transform(({ value }: { value: unknown }) => toStatuses(value))
  @IsIn(JOB_STATUSES, { each: true, message: unknownStatus })
  statuses: JobStatus[] = [];

  @QueryNumber(MAX_LIMIT)
  limit = DEFAULT_LIMIT;

  /** The repository checks what is in it. */
  @Expose()
  @Transform(({ value }: { value: unknown }) => (value === '' ? undefined : value))
  @IsOptional()
  @MaxLength(MAX_CURSOR, { message: 'cursor must be the next of an earlier response' })
  cursor?: string;
}

function toStatuses(value: unknown): unknown[] {
  const given = [value ?? []].flat();
  const statuses = given.flatMap((each) =>
    typeof each === 'string' ? each.split(',').map((one) => one.trim()) : [each],
  );
  return [...new Set(statuses.filter((status) => status !== ''))];
}

function unknownStatus({ value }: ValidationArguments): string {
  const unknown = (value as unknown[]).find((status) => !JOB_STATUSES.includes(status as JobStatus));
  const given = typeof unknown === 'string' ? oneLine(unknown, 60) : typeof unknown;
  return `status must be any of ${JOB_STATUSES.join(', ')}; ${given} is none of them`;
}
