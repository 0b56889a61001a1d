import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { JobView } from '../../../application/jobs/job.service';
import { JOB_STATUSES, type JobStatus } from '../../../domain/job/job';
import { OutputTextDto } from '../generate/generation.dto';
import type { UrlBuilder } from '../url-builder';
import { AttemptDto, toAttemptDto } from './attempt.dto';
import { isoTime, isoTimeOrNull } from '../iso-time';
import {
  JobAcceptanceDto,
  JobErrorDto,
  JobOutputDto,
  JobProgressDto,
  SeedDto,
  toJobErrorDto,
  toJobOutputDto,
} from './job-parts.dto';

/** @publicApi */
@ApiSchema({ name: 'Job' })
export class JobDto {
  @ApiProperty({
    description: 'Its id, and the prompt id of its first attempt.',
    format: 'uuid',
    example: '0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d',
  })
  id!: string;

  @ApiProperty({ description: 'Grows with every change.', example: 17 })
  revision!: number;

  @ApiProperty({
    description:
      '`queued`, `running`, possibly `canceling`, then finally `succeeded`, `failed`, `expired` or `canceled`. It never goes backwards: a job that runs again stays `running`.',
    enum: JOB_STATUSES,
    enumName: 'JobStatus',
    example: 'running',
  })
  status!: JobStatus;

  @ApiProperty({
    description:
      '1: the next to be assigned to a ComfyUI server; 0: assigned, and not started yet. Null unless it is queued.',
    type: Number,
    nullable: true,
    example: null,
  })
  queuePosition!: number | null;

  @ApiProperty({ description: '-100 to 100; higher starts sooner.', example: 0 })
  priority!: number;

  @ApiProperty({ description: 'Progress of the current attempt.', type: JobProgressDto })
  progress!: JobProgressDto;

  @ApiProperty({
    description: 'The files it has produced so far; those of an abandoned attempt are left out.',
    type: [JobOutputDto],
  })
  outputs!: JobOutputDto[];

  @ApiProperty({ description: 'Text outputs.', type: [OutputTextDto], example: [] })
  texts!: OutputTextDto[];

  @ApiProperty({ description: 'Why it did not succeed.', type: JobErrorDto, nullable: true })
  error!: JobErrorDto | null;

  @ApiProperty({
    description: 'Its assignments to ComfyUI servers: the attempts that started, and the current one.',
    type: [AttemptDto],
  })
  attempts!: AttemptDto[];

  @ApiProperty({
    description: "ComfyUI's response when it accepted the current attempt.",
    type: JobAcceptanceDto,
    nullable: true,
  })
  acceptance!: JobAcceptanceDto | null;

  @ApiProperty({ description: 'Its cancellation was requested.', example: false })
  cancelRequested!: boolean;

  @ApiProperty({ description: 'The seeds in its workflow, in the order of the nodes.', type: [SeedDto] })
  seeds!: SeedDto[];

  @ApiProperty({ description: 'It runs on servers that have all of these labels.', type: [String], example: ['sdxl'] })
  labels!: string[];

  @ApiProperty({
    description: "The caller's name for the workflow.",
    type: String,
    nullable: true,
    example: 'portrait',
  })
  label!: string | null;

  @ApiProperty({ description: 'Temporary files are kept also where the run produced others.', example: false })
  keepPreviews!: boolean;

  @ApiProperty({ description: 'When it was submitted.', format: 'date-time', example: '2026-01-31T12:00:00.000Z' })
  queuedAt!: string;

  @ApiProperty({
    description: 'When its first attempt started.',
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2026-01-31T12:00:00.310Z',
  })
  startedAt!: string | null;

  @ApiProperty({
    description: 'When it ended.',
    type: String,
    format: 'date-time',
    nullable: true,
    example: null,
  })
  endedAt!: string | null;

  @ApiProperty({
    description: 'How long each node took in the last attempt, milliseconds by node id; cached nodes are left out.',
    type: 'object',
    additionalProperties: { type: 'number' },
    example: { 3: 4210, 8: 350, 9: 120 },
  })
  nodeDurations!: Record<string, number>;
}

/** Without what is internal to the service; times as ISO 8601. */
export function toJobDto({ job, queuePosition }: JobView, urls: UrlBuilder): JobDto {
  return {
    id: job.id,
    revision: job.revision,
    status: job.status,
    queuePosition,
    priority: job.priority,
    progress: job.progress,
    outputs: job.outputs.map((file) => toJobOutputDto(file, urls)),
    texts: [...job.texts],
    error: job.error ? toJobErrorDto(job.error) : null,
    attempts: job.attempts.map(toAttemptDto),
    acceptance: job.acceptance ? { number: job.acceptance.number, nodeErrors: job.acceptance.nodeErrors } : null,
    cancelRequested: job.cancelRequested,
    seeds: [...job.seeds],
    labels: [...job.requirements.labels],
    label: job.label,
    keepPreviews: job.keepPreviews,
    queuedAt: isoTime(job.queuedAt),
    startedAt: isoTimeOrNull(job.startedAt),
    endedAt: isoTimeOrNull(job.endedAt),
    nodeDurations: job.nodeDurations,
  };
}

/** @publicApi */
@ApiSchema({ name: 'JobPage' })
export class JobPageDto {
  @ApiProperty({ description: 'Newest first.', type: [JobDto] })
  jobs!: JobDto[];

  @ApiProperty({
    description: 'The `cursor` of the page after this; null at the end.',
    type: String,
    nullable: true,
    example: null,
  })
  next!: string | null;
}

export function toJobPageDto(
  { jobs, next }: { readonly jobs: readonly JobView[]; readonly next: string | null },
  urls: UrlBuilder,
): JobPageDto {
  return { jobs: jobs.map((view) => toJobDto(view, urls)), next };
}
